import type { Caller, SessionMark } from '../caller.js';
import type { User } from '../users/user.entity.js';
import type { Session } from './session.entity.js';

/** A caller as this room and those above know it: with the whole session and the whole user. */
export class SignedInCaller implements Caller {
  /** Whether the request changes nothing, so that its lists may be a moment old. */
  onlyReads = false;

  constructor(
    readonly session: Session,
    readonly user: User,
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
