import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { Clock, DAY_MILLISECONDS } from '../clock.js';
import { Config } from '../config.js';
import { EventsService } from '../events/events.service.js';
import { describeError } from '../http/failure.js';
import { CodesService } from '../otp/codes.service.js';
import { AttemptsStore } from '../users/attempts.store.js';
import { BrowsersStore } from './browsers.store.js';
import { RetentionStore } from './retention.store.js';

const MINUTE_MILLISECONDS = 60_000;
/** Between the end of one run and the next. */
const HOUR_MILLISECONDS = 60 * MINUTE_MILLISECONDS;
/** Rows that one statement looks at, or removes, at most. */
const AT_ONCE = 500;
/** A pause takes so many times as long as the piece of work before it: others have the database most of the time. */
const PAUSE_RATIO = 3;

/** What is removed: at most 500 at a time. `more` is false when there is nothing left. */
type Piece = (
  manager: EntityManager,
  sessionPlace: string,
) => Promise<{ readonly removed: number; readonly more: boolean }>;

/** How many rows of each kind were removed, by the names of their tables. */
export type Removed = Readonly<Record<string, number>>;

/**
 * Removes what is old: sessions that were over RETENTION_DAYS ago, with their addresses and devices, and whatever else
 * says what somebody did long ago (docs/operations.md, "What is removed, and when"; SECURITY 173). By one instance
 * at a time, in small pieces with pauses; what was broken off goes on where it stopped.
 */
@Injectable()
export class RetentionService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private underWay: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: RetentionStore,
    private readonly browsers: BrowsersStore,
    private readonly codes: CodesService,
    private readonly attempts: AttemptsStore,
    private readonly events: EventsService,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly log: PinoLogger,
  ) {}

  /** Nest's hook: the first run begins a minute later. */
  onApplicationBootstrap(): void {
    this.runIn(MINUTE_MILLISECONDS);
  }

  /** Nest's hook: a run that is under way ends after its present piece. */
  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    this.stopping.abort();
    await this.underWay;
  }

  /**
   * Removes all that is old, unless another instance does, or one has within the hour.
   * @param evenIfRecent whether to run all the same when one has within the hour
   * @param stop breaks it off between two pieces; the next run goes on from there
   * @returns how many of each kind went; null when it was not this one's turn
   */
  run(evenIfRecent: boolean, stop: AbortSignal): Promise<Removed | null> {
    const run = this.runOnce(evenIfRecent, AbortSignal.any([stop, this.stopping.signal]));
    this.underWay = run.catch(() => undefined);
    return run;
  }

  private runIn(milliseconds: number): void {
    if (this.stopping.signal.aborted) return;
    this.timer = setTimeout(() => void this.runInTurn(), milliseconds).unref();
  }

  private async runInTurn(): Promise<void> {
    try {
      const removed = await this.run(false, this.stopping.signal);
      if (removed !== null) this.log.info({ removed }, 'what was old is removed');
      this.runIn(HOUR_MILLISECONDS);
    } catch (error) {
      this.log.warn({ err: describeError(error) }, 'what is old could not be removed: trying again');
      this.runIn(MINUTE_MILLISECONDS);
    }
  }

  private async runOnce(evenIfRecent: boolean, stop: AbortSignal): Promise<Removed | null> {
    const run = randomUUID();
    const removed: Record<string, number> = {};
    let finishedAt: Date | null = null;
    try {
      for (const [name, piece] of Object.entries(this.pieces())) {
        removed[name] = 0;
        for (let more = true; more;) {
          const startedAt = performance.now();
          const done = await this.store.inTurn(this.turn(run, evenIfRecent), piece);
          if (done === null) return null;
          removed[name] += done.removed;
          ({ more } = done);
          if (!(await pause(PAUSE_RATIO * (performance.now() - startedAt), stop))) return removed;
        }
      }
      finishedAt = this.clock.now();
      return removed;
    } finally {
      await this.store.leave(run, finishedAt);
    }
  }

  private turn(run: string, evenIfRecent: boolean) {
    const now = this.clock.now();
    const ago = (milliseconds: number) => new Date(now.getTime() - milliseconds);
    return {
      run,
      now,
      deadSince: ago(MINUTE_MILLISECONDS),
      // The hour of another instance may end a little earlier.
      finishedSince: evenIfRecent ? null : ago(HOUR_MILLISECONDS - MINUTE_MILLISECONDS),
    };
  }

  /**
   * By table, in turn. Each room removes its own rows: those that were old when the run began, so that it ends however
   * many grow old meanwhile.
   */
  private pieces(): Readonly<Record<string, Piece>> {
    const now = this.clock.now();
    const beganAt = performance.now();
    const before = new Date(now.getTime() - this.config.get('RETENTION_DAYS') * DAY_MILLISECONDS);
    const untilNoneIsLeft =
      (remove: (manager: EntityManager) => Promise<number>): Piece =>
      async (manager) => {
        const removed = await remove(manager);
        return { removed, more: removed > 0 };
      };
    return {
      sessions: (manager, place) => this.store.removeSessions(manager, place, before, AT_ONCE),
      sign_in_attempts: untilNoneIsLeft((manager) =>
        this.store.removeExpired(manager, 'sign_in_attempts', before, AT_ONCE),
      ),
      verifications: untilNoneIsLeft((manager) =>
        this.store.removeExpired(manager, 'verifications', before, AT_ONCE),
      ),
      browsers: untilNoneIsLeft((manager) => this.browsers.removeExpired(manager, now, AT_ONCE)),
      sent_codes: untilNoneIsLeft((manager) => this.codes.removeExpired(manager, now)),
      events: untilNoneIsLeft((manager) => this.events.removeOld(manager, now, AT_ONCE)),
      attempts: untilNoneIsLeft((manager) =>
        this.attempts.removeExpired(manager, performance.now() - beganAt, AT_ONCE),
      ),
    };
  }
}

/** @returns false when it was broken off */
async function pause(milliseconds: number, stop: AbortSignal): Promise<boolean> {
  await sleep(milliseconds, undefined, { signal: stop }).catch(() => undefined);
  return !stop.aborted;
}
