import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';

/** Something that an administrator may later have to account for. */
export interface AuditEvent {
  /** What was tried, e.g. `session.open`. */
  readonly action: string;
  /** Whose account or session it is about. */
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  /** Who did it, where that is somebody else, e.g. a user's id or `cli`. */
  readonly by?: string | undefined;
  /** The address it came from. */
  readonly ip?: string | undefined;
  readonly outcome: 'ok' | 'refused';
  /** Why it was refused. */
  readonly reason?: string | undefined;
}

/** One structured line for each event, in the log with the rest and marked `audit`; it never holds a secret. */
@Injectable()
export class AuditLog {
  constructor(private readonly log: PinoLogger) {}

  /** Hands the line, with the time and the request's id, to the log. It never fails, and only kill -9 can lose it. */
  record(event: AuditEvent): void {
    const fields = Object.entries(event).map(([name, value]) => [name, printable(value)]);
    this.log.info({ audit: true, ...Object.fromEntries(fields) }, 'audit');
  }
}

/** JSON already keeps a value inside its line; without control characters it cannot play with a terminal either. */
function printable(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ') : value;
}
