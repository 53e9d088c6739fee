import { Refusal } from './refusal.js';

/** Seconds after which whoever found the line full is told to come back. */
const RETRY_AFTER_SECONDS = 2;

/** Lets so many pieces of work run at once, with a bounded line behind them, so that no flood takes everything. */
export class Bulkhead {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /**
   * @param atOnce how many run at a time
   * @param longestLine how many may wait behind them
   */
  constructor(
    private readonly atOnce: number,
    private readonly longestLine: number,
  ) {}

  /**
   * Runs the work when its turn comes.
   * @throws Refusal busy when the line is full; whatever the work throws
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.atOnce) {
      if (this.waiting.length >= this.longestLine) {
        throw new Refusal('busy', { retryAfterSeconds: RETRY_AFTER_SECONDS });
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running++;
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }

  /** How many run and how many wait. */
  get load(): { running: number; waiting: number } {
    return { running: this.running, waiting: this.waiting.length };
  }
}
