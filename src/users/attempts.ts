import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { Bulkhead } from '../bulkhead.js';
import { Refusal, type Reason } from '../refusal.js';

/** The window in which attempts are counted, from the first one on (DECISIONS.md, All APIs 7 and 8). */
const ATTEMPT_WINDOW_SECONDS = 15 * 60;
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
 * takes it back, so that no burst and no crash gains a guess (SECURITY.md, lesson a). Counts live in PostgreSQL:
 * all instances share them.
 */
export class Attempts {
  private readonly limiters = new Map<number, RateLimiterPostgres>();
  private readonly lines = new Map<string, Bulkhead>();

  constructor(private readonly database: DataSource) {}

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

  /** In turn: past the widest limit nothing is written about what else was tried, so the table stays small. */
  private async count(limits: readonly Limit[], reason: Reason): Promise<void> {
    for (const [index, limit] of limits.entries()) {
      try {
        await this.limiter(limit.most).consume(hash(limit.key));
      } catch (cause) {
        // What is not looked at is no failure: else one address could shut everybody out of an account.
        await this.uncount(limits.slice(0, index));
        if (!(cause instanceof RateLimiterRes)) throw cause;
        throw new Refusal(reason, { retryAfterSeconds: Math.max(1, Math.ceil(cause.msBeforeNext / 1000)) });
      }
    }
  }

  private async lookAt<T>(limits: readonly Limit[], check: () => Promise<T | null>): Promise<T | null> {
    try {
      return await check();
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'busy') await this.uncount(limits);
      throw error;
    }
  }

  private async uncount(limits: readonly Limit[]): Promise<void> {
    await Promise.all(limits.map((limit) => this.limiter(limit.most).reward(hash(limit.key))));
  }

  private async takeBack(limits: readonly Limit[]): Promise<void> {
    const cleared = limits.filter((limit) => limit.clearedBySuccess);
    await Promise.all(cleared.map((limit) => this.limiter(limit.most).delete(hash(limit.key))));
    await this.uncount(limits.filter((limit) => !limit.clearedBySuccess));
  }

  private limiter(most: number): RateLimiterPostgres {
    let limiter = this.limiters.get(most);
    if (limiter === undefined) {
      limiter = new RateLimiterPostgres({
        storeClient: this.database,
        storeType: 'typeorm',
        tableName: 'attempts',
        tableCreated: true,
        keyPrefix: '',
        points: most,
        duration: ATTEMPT_WINDOW_SECONDS,
      });
      this.limiters.set(most, limiter);
    }
    return limiter;
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
