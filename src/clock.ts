export const DAY_MILLISECONDS = 86_400_000;

/**
 * The only place that reads the time. One instance serves the whole process;
 * tests freeze it and move it, and everything that judges an expiry asks it.
 */
export class Clock {
  private frozenAt: number | null = null;
  private offsetMilliseconds = 0;

  /** The present moment, to the millisecond. */
  now(): Date {
    return new Date(this.milliseconds());
  }

  /** The present moment in milliseconds since 1970. */
  milliseconds(): number {
    return (this.frozenAt ?? Date.now()) + this.offsetMilliseconds;
  }

  /** The present moment in whole seconds since 1970, as JWTs and TOTP count. */
  seconds(): number {
    return Math.floor(this.milliseconds() / 1000);
  }

  /** Whether time stands still. */
  get isFrozen(): boolean {
    return this.frozenAt !== null;
  }

  /** Stops time at the given moment (by default: now). */
  freeze(at: Date = this.now()): void {
    this.frozenAt = at.getTime();
    this.offsetMilliseconds = 0;
  }

  /** Moves time by so many milliseconds, frozen or not. */
  move(milliseconds: number): void {
    this.offsetMilliseconds += milliseconds;
  }

  /** Lets real time run again. */
  release(): void {
    this.frozenAt = null;
    this.offsetMilliseconds = 0;
  }
}
