import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock, DAY_MILLISECONDS } from '../clock.js';
import { Coalescing } from '../coalescing.js';
import { Config } from '../config.js';
import { Origins } from './origin.js';
import type { Session } from './session.entity.js';
import { SweepsStore, type ActivityStamp } from './sweeps.store.js';

/** A session's activity is written at most so often (DECISIONS.md, Native 8). */
const STAMPED_EVERY_MILLISECONDS = 60_000;
const FLUSHED_EVERY_MILLISECONDS = 1_000;

/** A session as far as its use is noted on it. */
type Used = Pick<
  Session,
  'id' | 'machine' | 'lifetimeSeconds' | 'lastActivityAt' | 'lastIp' | 'location' | 'expiresAt'
>;

/**
 * Gathers which sessions were used and writes it once a second, off the path of the requests: a write for each
 * request would cost three quarters of the throughput (PERFORMANCE.md, Growth).
 */
@Injectable()
export class Activity implements OnModuleInit, BeforeApplicationShutdown {
  private stamps = new Map<string, ActivityStamp>();
  private timer: NodeJS.Timeout | undefined;
  private readonly writes = new Coalescing(() => this.write());

  constructor(
    private readonly sweeps: SweepsStore,
    private readonly origins: Origins,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.flush(), FLUSHED_EVERY_MILLISECONDS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  /**
   * When a browser session that is opened, renewed or used at this moment expires.
   * @param lifetimeSeconds its own lifetime; without one it slides
   */
  expiryFrom(now: Date, lifetimeSeconds: number | null = null): Date {
    const slides = this.config.get('SESSION_DAYS') * DAY_MILLISECONDS;
    return new Date(now.getTime() + (lifetimeSeconds === null ? slides : lifetimeSeconds * 1000));
  }

  /** The moment such that what was opened before it is pending no more, at this one. */
  pendingSince(now: Date): Date {
    return new Date(now.getTime() - this.config.get('OTP_WINDOW_SECONDS') * 1000);
  }

  /** Notes that a live session was used, and shows it on the session at once. */
  note(session: Used, ip: string): void {
    const now = this.clock.now();
    if (now.getTime() - session.lastActivityAt.getTime() < STAMPED_EVERY_MILLISECONDS) return;
    const place = this.origins.locate(ip);
    Object.assign(session, place, { lastActivityAt: now, lastIp: ip });
    if (!session.machine && session.lifetimeSeconds === null) session.expiresAt = this.expiryFrom(now);
    this.stamps.set(session.id, { sessionId: session.id, at: now, ip, place });
  }

  /** Writes what was gathered by now. What cannot be written is written with the next lot. */
  flush(): Promise<void> {
    return this.writes.run(); // while the database is away each takes seconds
  }

  private async write(): Promise<void> {
    if (this.stamps.size === 0) return;
    const stamps = this.stamps;
    this.stamps = new Map();
    try {
      const days = this.config.get('SESSION_DAYS');
      await this.sweeps.stampActivity([...stamps.values()], days, this.clock.now());
    } catch {
      this.stamps = new Map([...stamps, ...this.stamps]);
    }
  }
}
