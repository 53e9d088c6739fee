import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { LiveSessionsStore } from './live-sessions.store.js';

/** Whoever asks, and /metrics is open to all, costs the database one count in so long. */
const KEPT_MILLISECONDS = 15_000;

/** How many sessions are live, for the metrics: exact up to some 100,000 rows, estimated from a sample beyond. */
@Injectable()
export class LiveSessions {
  private counted: Promise<number | null> = Promise.resolve(null);
  private countedAt = -Infinity;

  constructor(
    private readonly store: LiveSessionsStore,
    private readonly clock: Clock,
  ) {}

  /** The count, at most 15 seconds old; null while the database does not answer. */
  count(): Promise<number | null> {
    if (performance.now() - this.countedAt > KEPT_MILLISECONDS) {
      this.countedAt = performance.now();
      this.counted = this.store.count(this.clock.now()).catch(() => null);
    }
    return this.counted;
  }
}
