import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Clock } from '../clock.js';
import { Coalescing } from '../coalescing.js';
import { Config } from '../config.js';
import { Metrics } from '../http/metrics.js';
import { currentRequestId } from '../http/request-id.js';
import { Refusal } from '../refusal.js';
import { auditLine, printable, type Act, type AuditEvent } from './audit-event.js';
import { EventsStore } from './events.store.js';
import { Gathering, type EventRow } from './gathering.js';

const FLUSHED_EVERY_MILLISECONDS = 1_000;

/**
 * Writes down what happened: a structured line for each event, in the log with the rest and marked `audit`, and a row
 * that `GET /api/v2/events` shows and the webhook is sent; the metrics count it. An act that changes something is
 * `accounted`: its event is written with it, or neither is. What changes nothing is `record`ed: its row is written
 * within a second, and a crash may lose that second (the log has it).
 */
@Injectable()
export class AuditLog implements OnModuleInit, BeforeApplicationShutdown {
  private readonly delivered: boolean;
  private gathering = new Gathering();
  private readonly writes = new Coalescing(() => this.writeGathered());
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: EventsStore,
    private readonly clock: Clock,
    private readonly log: PinoLogger,
    private readonly metrics: Metrics,
    config: Config,
  ) {
    this.delivered = config.get('WEBHOOK_URL') !== undefined;
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.flush(), FLUSHED_EVERY_MILLISECONDS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }

  /**
   * Does an act in one transaction, and writes what it notes before the commit: neither is there without the other.
   * The lines are written after the commit; what is thrown undoes all of it and leaves no line.
   */
  async accounted<T>(work: Act<T>): Promise<T> {
    const events: AuditEvent[] = [];
    const result = await this.store.transaction(async (manager) => {
      const done = await work(manager, (event) => void events.push(event));
      const rows = events.map((event) => this.rowOf(event));
      if (rows.length > 0) await this.store.insert(manager, rows, this.delivered);
      return done;
    });
    for (const event of events) this.tell(event);
    return result;
  }

  /**
   * Notes a refusal, or what changes nothing. It never fails, and never waits: the row is gathered with others of its
   * kind, and of a flood only so much is kept.
   */
  record(event: AuditEvent): void {
    this.gathering.add(this.rowOf(event));
    this.tell(event);
  }

  /** Does what may be refused: a refusal is written down and thrown on; a success is left to whoever asks. */
  async recordRefusal<T>(event: Omit<AuditEvent, 'outcome' | 'reason'>, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refusal) this.record({ ...event, outcome: 'refused', reason: error.reason });
      throw error;
    }
  }

  /** Writes the rows that were gathered. What cannot be written now is written with the next lot. */
  flush(): Promise<void> {
    return this.writes.run(); // while the database is away each takes seconds
  }

  private tell(event: AuditEvent): void {
    this.log.info(auditLine(event), 'audit');
    const { action, outcome, reason = '' } = event;
    this.metrics.countEvent({ action, outcome, reason });
  }

  private rowOf(event: AuditEvent): EventRow {
    const { action, outcome, reason, by, ip, name, count = null } = event;
    return {
      createdAt: this.clock.now(),
      action,
      outcome,
      reason: text(reason),
      userId: id(event.userId),
      sessionId: id(event.sessionId),
      organizationId: id(event.organizationId),
      actorId: id(by),
      actorSessionId: id(event.actorSessionId),
      ip: text(ip),
      name: text(name),
      count,
      requestId: text(currentRequestId()),
    };
  }

  private async writeGathered(): Promise<void> {
    const rows = this.gathering.rows();
    if (rows.length === 0) return;
    this.gathering = new Gathering();
    try {
      await this.store.insert(null, rows, this.delivered);
    } catch {
      for (const row of rows) this.gathering.add(row);
    }
  }
}

function text(value: string | undefined): string | null {
  return value === undefined ? null : printable(value);
}

/** A refusal may speak of an id that no column could hold. */
function id(value: string | undefined): string | null {
  return value !== undefined && /^\d{1,18}$/.test(value) ? value : null;
}
