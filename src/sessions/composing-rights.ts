import { holdsAllRightsOf, may } from '../caller.js';
import { Refusal, type Reason } from '../refusal.js';
import type { Session } from './session.entity.js';
import type { SignedInCaller } from './signed-in.js';

/** Whether a session can be proved or used no more: it was ended, or its time or its tries are up. */
export function whyOver(
  session: Session,
  now: Date,
  windowSeconds: number,
): 'session_over' | 'session_expired' | null {
  if (session.isLive(now) || session.isPending(now, windowSeconds)) return null;
  return session.status === 'active' || session.status === 'pending_otp' ? 'session_expired' : 'session_over';
}

/** Whether a session is there for a caller at all: one's own, one of one's opening, with `session.read` any. */
export function maySee(caller: SignedInCaller, session: Session): boolean {
  const opened = session.creatorId === caller.user.id;
  if (session.status === 'pending_otp') return opened;
  return opened || session.userId === caller.user.id || may(caller, 'session.read');
}

/**
 * Why a caller may not set a session that they see; null when they may. Setting one gives out its token, which must
 * not be a stronger credential than the caller's: so it is the very session that asks, or one that the caller opened
 * for somebody else, or that is pending still; any other takes every right of its user, and fresh proofs.
 */
export function whyNotSet(
  caller: SignedInCaller,
  rights: readonly string[],
  session: Session,
  rightsOfUser: readonly string[],
  now: Date,
): Reason | null {
  if (session.machine) return 'forbidden';
  if (session.id === caller.session.id) return null;
  if (!may({ rights }, 'session.write')) return 'forbidden';
  const forAnother = session.status === 'pending_otp' || session.userId !== caller.user.id;
  if (session.creatorId === caller.user.id && forAnother) return null;
  if (!holdsAllRightsOf(rights, rightsOfUser)) return 'forbidden';
  if (caller.machine) return 'not_interactive';
  return caller.session.isFresh(now, caller.user.twoFactorAuth) ? null : 'step_up_required';
}

/**
 * Why a caller may not end a session; null when they may.
 * @param byToken whether the session's token that came along is right; null when none came
 */
export function whyNotEnd(caller: SignedInCaller, session: Session, byToken: boolean | null): Refusal | null {
  const opened = session.creatorId === caller.user.id;
  if (byToken === false) return new Refusal('forbidden', { attribute: 'session_token' });
  if (session.status === 'pending_otp') return opened ? null : new Refusal('not_found');
  const mayEnd = byToken || opened || session.userId === caller.user.id || may(caller, 'session.delete');
  return mayEnd ? null : new Refusal('forbidden');
}

/** Takes the user off a session for those who may not know who that is: it takes `user.read` to know of others. */
export function shownTo<T extends { userId: string; user?: object }>(caller: SignedInCaller, session: T): T {
  if (session.userId !== caller.user.id && !may(caller, 'user.read')) delete session.user;
  return session;
}
