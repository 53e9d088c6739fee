import type { Caller, SessionMark } from '../caller.js';
import type { User } from '../users/user.entity.js';
import { Outline, type Outlined } from './session.columns.js';
import type { Session } from './session.entity.js';
import { OUTLINE } from './session.resource.js';

/** What is read of every caller: what the guard decides by, what use changes, and what is shown of a session unasked. */
export const BRIEF = new Outline(
  [...OUTLINE.session, 'status', 'otpAttempts', 'createdAt', 'version', 'writeMark', 'lifetimeSeconds'],
  ['status', 'rights'],
);

/** A session with its user, as far as `BRIEF` reads both. */
export type BriefSession = Outlined<typeof BRIEF> & { user: Pick<User, 'id' | 'status' | 'rights'> };

/** A caller as far as `BRIEF` reads: a third of the columns, for the routes that are asked most. */
export class BriefCaller implements Caller {
  /** Whether the request changes nothing, so that its lists may be a moment old. */
  onlyReads = false;

  constructor(
    readonly session: Outlined<typeof BRIEF>,
    readonly user: BriefSession['user'],
    /** The expiry of the JWT that the request came with; null when it came with the session's token. */
    readonly jwtExpiresAt: Date | null,
    readonly ip: string,
  ) {}

  get readOnly(): boolean {
    return this.session.readOnly || this.jwtExpiresAt !== null;
  }

  get machine(): boolean {
    return this.session.machine;
  }

  get pending(): boolean {
    return this.session.status === 'pending_otp';
  }

  get rights(): readonly string[] {
    return this.user.rights;
  }

  get mark(): SessionMark | null {
    const { id: sessionId, version, writeMark } = this.session;
    return this.onlyReads ? { sessionId, version, writeMark } : null;
  }
}

/** A caller as this room and those above know it: with the whole session and the whole user. */
export class SignedInCaller extends BriefCaller {
  declare readonly session: Session;
  declare readonly user: User;

  constructor(session: Session, user: User, jwtExpiresAt: Date | null, ip: string) {
    super(session, user, jwtExpiresAt, ip);
  }
}
