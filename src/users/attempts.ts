import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Bulkhead } from '../bulkhead.js';
import { Refusal, type Reason } from '../refusal.js';
import { AttemptsStore } from './attempts.store.js';

/** The window in which attempts are counted, from the first one on (DECISIONS.md, All APIs 7 and 8). */
const ATTEMPT_WINDOW_MILLISECONDS = 15 * 60_000;
/** How many attempts against one key one process looks at at a time; others wait in line. */
const AT_ONCE = 4;
/** How many may stand in one line; who comes later is told to come back. */
const LONGEST_LINE = 60;

/** One thing that is counted: at most so many failures for a key within the window. */
export interface Limit {
  readonly key: string;
  readonly most: number;
  /** Whether a success forgets the failures; otherwise it only takes its own attempt back. */
  readonly clearedBySuccess: boolean;
}

/**
 * Counts guesses: each attempt is counted in its own committed statement before it is looked at, and a success
 * takes it back, so that no burst and no crash gains a guess (SECURITY.md, lesson a). Past the widest limit nothing is
 * written about what else was tried, so the table stays small. Counts live in PostgreSQL: all instances share them.
 */
@Injectable()
export class Attempts {
  private readonly lines = new Map<string, Bulkhead>();

  constructor(private readonly store: AttemptsStore) {}

  /**
   * Runs a check that says whether the attempt was right.
   * @param limits the widest first; attempts under the narrowest one stand in one line
   * @throws Refusal of the given reason, with `retryAfterSeconds`, once any limit is passed; nothing is checked then
   * @throws Refusal busy
   */
  async guard<T>(
    limits: readonly Limit[],
    reason: Reason,
    check: () => Promise<T | null>,
  ): Promise<T | null> {
    const narrowest = limits.at(-1);
    if (narrowest === undefined) throw new Error('an attempt without a limit');
    // A burst of right passwords would otherwise pass for a burst of guesses: each counts until it is checked.
    return this.inTurn(narrowest.key, async () => {
      await this.count(limits, reason);
      const result = await this.lookAt(limits, check);
      if (result !== null) await this.takeBack(limits);
      return result;
    });
  }

  private async count(limits: readonly Limit[], reason: Reason): Promise<void> {
    const counts = await this.store.count(
      limits.map(({ key, most }) => ({ key: hash(key), most })),
      ATTEMPT_WINDOW_MILLISECONDS,
    );
    const last = counts.length - 1;
    const { isShut, millisecondsLeft } = counts[last]!;
    if (!isShut) return;
    // What is not looked at is no failure: else one address could shut everybody out of an account.
    if (last > 0) await this.uncount(limits.slice(0, last));
    throw new Refusal(reason, { retryAfterSeconds: Math.max(1, Math.ceil(millisecondsLeft / 1000)) });
  }

  private async lookAt<T>(limits: readonly Limit[], check: () => Promise<T | null>): Promise<T | null> {
    try {
      return await check();
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'busy') await this.uncount(limits);
      throw error;
    }
  }

  private uncount(limits: readonly Limit[]): Promise<void> {
    return this.store.takeBack(limits.map(({ key }) => ({ key: hash(key), isForgotten: false })));
  }

  private takeBack(limits: readonly Limit[]): Promise<void> {
    return this.store.takeBack(
      limits.map(({ key, clearedBySuccess }) => ({ key: hash(key), isForgotten: clearedBySuccess })),
    );
  }

  private async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const line = this.lines.get(key) ?? new Bulkhead(AT_ONCE, LONGEST_LINE);
    this.lines.set(key, line);
    try {
      return await line.run(work);
    } finally {
      if (line.load.running === 0) this.lines.delete(key);
    }
  }
}

/** Keys name people and addresses; the table need not. */
function hash(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
