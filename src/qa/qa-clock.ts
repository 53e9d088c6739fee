import { AsyncLocalStorage } from 'node:async_hooks';
import { Clock } from '../clock.js';
import { Refusal } from '../refusal.js';

/** What is to become of the clock, in this order. */
export interface ClockChange {
  readonly release: boolean;
  /** A moment, or true for the present one. */
  readonly freeze: Date | true | undefined;
  readonly moveMilliseconds: number;
}

/** Within these every expiry that is reckoned from the clock can be written down. */
const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

/** The clock of QA mode: set from outside, and for work that is done as of another moment a clock of its own. */
export class QaClock extends Clock {
  private readonly asOf = new AsyncLocalStorage<number>();

  override milliseconds(): number {
    return this.asOf.getStore() ?? super.milliseconds();
  }

  /**
   * Releases, freezes, moves: whatever is asked for.
   * @returns how many milliseconds it jumped
   * @throws Refusal invalid at `freeze` or `move_seconds`
   */
  set({ release, freeze, moveMilliseconds }: ClockChange): number {
    const before = this.milliseconds();
    const present = release ? new Clock().milliseconds() : before;
    const base = freeze instanceof Date ? freeze.getTime() : present;
    for (const [member, moment] of [
      ['freeze', base],
      ['move_seconds', base + moveMilliseconds],
    ] as const) {
      if (moment >= EARLIEST && moment <= LATEST) continue;
      throw new Refusal('invalid', { member, detail: 'The clock can be set from 2000 to 2100' });
    }
    if (release) this.release();
    if (freeze !== undefined) this.freeze(freeze === true ? undefined : freeze);
    this.move(moveMilliseconds);
    return this.milliseconds() - before;
  }

  /** Does some work as of a moment: for it alone, and all that it calls, time stands still there. */
  at<T>(moment: Date, work: () => Promise<T>): Promise<T> {
    return this.asOf.run(moment.getTime(), work);
  }
}
