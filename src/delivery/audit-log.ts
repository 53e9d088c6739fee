import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Refusal } from '../refusal.js';

/** Something that an administrator may later have to account for. */
interface AuditEvent {
  /** What was tried, e.g. `session.open`. */
  readonly action: string;
  /** Whose account or session it is about. */
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly organizationId?: string | undefined;
  /** Which one, of what is known by a name. */
  readonly name?: string | undefined;
  /** Who did it, where that is somebody else, by id; `0` is the command line. */
  readonly by?: string | undefined;
  /** The address it came from. */
  readonly ip?: string | undefined;
  readonly outcome: 'ok' | 'refused';
  /** Why it was refused. */
  readonly reason?: string | undefined;
  /** How many it touched, where that is not one. */
  readonly count?: number | undefined;
}

/** One structured line for each event, in the log with the rest and marked `audit`; it never holds a secret. */
@Injectable()
export class AuditLog {
  constructor(private readonly log: PinoLogger) {}

  /** Hands the line, with the time and the request's id, to the log. It never fails; a log that has no room loses it. */
  record(event: AuditEvent): void {
    const fields = Object.entries(event).map(([name, value]) => [name, printable(value)]);
    this.log.info({ audit: true, ...Object.fromEntries(fields) }, 'audit');
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
}

/** JSON already keeps a value inside its line; without control characters it cannot play with a terminal either. */
function printable(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ') : value;
}
