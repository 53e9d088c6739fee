/** What the shutdown says, to whatever log there is by then. */
interface Log {
  info(message: string): void;
  fatal(fields: { err: unknown }, message: string): void;
}

/**
 * The orderly end of the process. Each part that needs one registers its closing step as it comes up; on SIGTERM or
 * SIGINT they run in the reverse order, each within its time, and the process exits 0. A second signal changes
 * nothing. After an unhandled error the process exits 1, for its supervisor to start it anew.
 */
export class Shutdown {
  private readonly steps: { seconds: number; evenAfterCrash: boolean; run: () => Promise<unknown> }[] = [];
  private begun = false;

  constructor(private log: Log) {}

  /**
   * @param seconds what the step may take; then the next one runs all the same
   * @param evenAfterCrash whether it also runs after an unhandled error (stopping the embedded server)
   */
  add(seconds: number, run: () => Promise<unknown>, evenAfterCrash = false): void {
    this.steps.unshift({ seconds, evenAfterCrash, run });
  }

  /** Whether the way down has begun. */
  get hasBegun(): boolean {
    return this.begun;
  }

  /** From now on the shutdown logs here. */
  logTo(log: Log): void {
    this.log = log;
  }

  /** Listens for signals and for errors that nobody handled. */
  listen(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (!this.begun) this.log.info(`${signal}: stopping`);
        void this.run(0);
      });
    }
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        this.log.fatal({ err: error }, event);
        void this.run(1, { crashed: true });
      });
    }
  }

  /** Runs the steps once, after a crash only those that must, and ends the process. */
  async run(exitCode: 0 | 1, { crashed = false } = {}): Promise<void> {
    if (this.begun) return;
    this.begun = true;
    // A copy: a start that is still under way may add steps.
    for (const step of [...this.steps]) {
      if (!crashed || step.evenAfterCrash) await this.runStep(step);
    }
    process.exit(exitCode);
  }

  private async runStep({ seconds, run }: { seconds: number; run: () => Promise<unknown> }): Promise<void> {
    const timeUp = new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    try {
      await Promise.race([run(), timeUp]);
    } catch (error) {
      this.log.fatal({ err: error }, 'stopping failed');
    }
  }
}
