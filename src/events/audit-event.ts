import type { EntityManager } from 'typeorm';
import { OPERATOR, type Caller } from '../caller.js';
import type { Action } from './actions.js';
import type { Outcome } from './event.entity.js';

/** Something that an administrator may later have to account for. It never holds a secret. */
export interface AuditEvent {
  /** What was done or tried. */
  readonly action: Action;
  /** Whose account or session it is about. */
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly organizationId?: string | undefined;
  /** Which one, of what is known by a name. */
  readonly name?: string | undefined;
  /** Who did it, where that is said apart from whose it is, by id; `0` is the command line. */
  readonly by?: string | undefined;
  /** The session that it was done with, whenever somebody signed in did it. */
  readonly actorSessionId?: string | undefined;
  /** The address it came from. */
  readonly ip?: string | undefined;
  readonly outcome: Outcome;
  /** Why it was refused. */
  readonly reason?: string | undefined;
  /** How many it touched, where that is not one. */
  readonly count?: number | undefined;
}

/** Notes an event of the transaction that is under way: both are written, or neither is. */
export type Note = (event: AuditEvent) => void;

/** An act in one transaction with what it notes. */
export type Act<T> = (manager: EntityManager, note: Note) => Promise<T>;

/** Who did something, with which session and from where. */
export function doneBy(caller: Caller): Pick<AuditEvent, 'by' | 'actorSessionId' | 'ip'> {
  const actorSessionId = caller === OPERATOR ? undefined : caller.session.id;
  return { by: caller.user.id, actorSessionId, ip: caller.ip };
}

/** That somebody did something. @param about what it concerns */
export function done(
  action: Action,
  caller: Caller,
  about: Pick<AuditEvent, 'userId' | 'sessionId' | 'organizationId' | 'name' | 'count'> = {},
): AuditEvent {
  return { action, ...about, ...doneBy(caller), outcome: 'ok' };
}

/** What the log says of an event, marked `audit`. */
export function auditLine({ actorSessionId: _, ...event }: AuditEvent): Readonly<Record<string, unknown>> {
  const fields = Object.entries(event).map(([name, value]) => [name, printable(value)]);
  return { audit: true, ...(Object.fromEntries(fields) as Record<string, unknown>) };
}

/** JSON already keeps a value inside its line; without control characters it cannot play with a terminal either. */
export function printable<T>(value: T): T | string {
  return typeof value === 'string' ? value.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ') : value;
}
