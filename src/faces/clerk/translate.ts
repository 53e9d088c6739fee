import type { BrowserContents } from '../../sessions/browsers.service.js';
import { Outline, type Outlined } from '../../sessions/session.columns.js';
import type { Session } from '../../sessions/session.entity.js';
import type { OwnedSession } from '../../sessions/session.rows.js';
import type { SignInView } from '../../sessions/sign-in-attempts.store.js';
import type { Strategy, Verification } from '../../sessions/verification.entity.js';
import type { User } from '../../users/user.entity.js';
import { toId } from './ids.js';
import { fromPublicUser, fromUser, type Belonging } from './profile.js';

/** The organisations of each user, by the user's id. */
export type Belongings = ReadonlyMap<string, readonly Belonging[]>;

/** What a user can prove themselves with, in the core's words. */
interface Strategies {
  readonly first: readonly Strategy[];
  readonly second: readonly Strategy[];
}

/** The answer that carries the browser's state along (CONTRACTS.md §2.1, piggyback). */
export function wrap(response: object | null, client: object | null): object {
  return { response, client };
}

const BASE = ['status', 'expiresAt', 'lastActivityAt'] as const;

/** What a list shows of a session itself. */
export const OUTLINE = new Outline([
  ...BASE,
  'organizationId',
  'firstFactorVerifiedAt',
  'secondFactorVerifiedAt',
  'createdAt',
  'changedAt',
]);
type Listed = Outlined<typeof OUTLINE>;

/** What a list of active ones shows. */
export const ACTIVITY = new Outline([...BASE, 'device', 'platform', 'browser', 'lastIp', 'city', 'country']);

/** A Session (CONTRACTS.md §2.3). It carries no token: those are asked for by `/tokens`. */
export function fromSession(session: OwnedSession, belongings: Belongings, now: Date): object {
  const { user, lastActivityAt } = session;
  return Object.assign(ownOf(session, now), shownOf(user, belongings.get(user.id) ?? [], lastActivityAt));
}

/**
 * Sessions of one user as JSON, who is as they were when the newest of them was last used. They are most of each
 * session's text and the same in all of them, so they are written once.
 */
export function writeSessionsOf(
  user: User,
  belongings: readonly Belonging[],
  sessions: readonly Listed[],
  now: Date,
): string {
  const usedAt = Math.max(0, ...sessions.map(({ lastActivityAt }) => lastActivityAt.getTime()));
  const shown = JSON.stringify(shownOf(user, belongings, new Date(usedAt))).slice(1);
  const texts = sessions.map((session) => `${JSON.stringify(ownOf(session, now)).slice(0, -1)},${shown}`);
  return `[${texts.join()}]`;
}

/** An ActiveSession: what a user is shown of their sessions elsewhere. */
export function fromActiveSession(session: Outlined<typeof ACTIVITY>, now: Date): object {
  return Object.assign(sessionBase(session, now), {
    user: null,
    latest_activity: {
      object: 'session_activity',
      id: toId('activity', session.id),
      is_mobile: session.device !== null && session.device !== 'desktop',
      device_type: session.platform,
      browser_name: session.browser,
      browser_version: null,
      ip_address: session.lastIp,
      city: session.city,
      country: session.country,
    },
  });
}

/** A Client: the browser, and every session that it holds. */
export function fromBrowser(
  contents: Omit<BrowserContents, 'memberships'>,
  belongings: Belongings,
  now: Date,
): object {
  const { browser, sessions, signIn, lastActiveSessionId } = contents;
  return {
    object: 'client',
    id: toId('browser', browser.id),
    sessions: sessions.map((session) => fromSession(session, belongings, now)),
    sign_in: signIn && fromSignIn(signIn, sessions, now),
    sign_up: null,
    last_active_session_id: lastActiveSessionId && toId('session', lastActiveSessionId),
    last_authentication_strategy: sessions.length > 0 ? 'password' : null, // nobody comes in without one
    cookie_expires_at: browser.expiresAt.getTime(),
    captcha_bypass: false,
    created_at: browser.createdAt.getTime(),
    updated_at: browser.updatedAt.getTime(),
  };
}

/**
 * A SessionReverification (CONTRACTS.md §2.3). Its level is the one that will be proved: for a user without a second
 * factor the first.
 */
export function fromVerification(
  verification: Verification,
  session: OwnedSession,
  strategies: Strategies,
  belongings: Belongings,
  now: Date,
): object {
  const { user } = session;
  const { level, firstStrategy, firstVerifiedAt, secondStrategy, secondVerifiedAt } = verification;
  return {
    object: 'session_reverification',
    level,
    status: reverificationStatus(verification),
    supported_first_factors: strategies.first.map((strategy) => factorOf(strategy, user)),
    supported_second_factors: strategies.second.map((strategy) => factorOf(strategy, user)),
    first_factor_verification: firstStrategy && proofOf(firstStrategy, firstVerifiedAt, verification, now),
    second_factor_verification:
      secondStrategy && proofOf(secondStrategy, secondVerifiedAt, verification, now),
    session: fromSession(session, belongings, now),
  };
}

/**
 * A SignIn (CONTRACTS.md §2.3). Until the password is proved it says the same of an identifier that nobody has.
 * @param sessions those of the browser: the one that came of it may be among them
 */
export function fromSignIn(
  { attempt, user }: SignInView,
  sessions: readonly OwnedSession[],
  now: Date,
): object {
  const status = attempt.status !== 'complete' && attempt.expiresAt <= now ? 'abandoned' : attempt.status;
  const { identifier, sessionId } = attempt;
  const created = status === 'complete' ? sessions.find(({ id }) => id === sessionId) : undefined;
  return {
    object: 'sign_in_attempt',
    id: toId('signIn', attempt.id),
    status,
    supported_identifiers: ['email_address'],
    supported_first_factors: [{ strategy: 'password' }],
    supported_second_factors: user?.twoFactorAuth
      ? [{ strategy: 'totp' }, { strategy: 'backup_code' }]
      : null,
    first_factor_verification: user && verified('password'),
    second_factor_verification: created ? secondProofOf(created) : null,
    identifier,
    user_data: created ? fromPublicUser(created.user) : null,
    created_session_id: status === 'complete' && sessionId !== null ? toId('session', sessionId) : null,
    abandon_at: attempt.expiresAt.getTime(),
  };
}

/** Whole minutes since the first and the second factor were proved; −1 for never. */
export function factorAges(
  session: Pick<Session, 'firstFactorVerifiedAt' | 'secondFactorVerifiedAt'>,
  now: Date,
): [number, number] {
  const age = (at: Date | null) =>
    at === null ? -1 : Math.max(0, Math.floor((now.getTime() - at.getTime()) / 60_000));
  return [age(session.firstFactorVerifiedAt), age(session.secondFactorVerifiedAt)];
}

/** A strategy as this API calls it. */
function fromStrategy(strategy: Strategy): string {
  if (strategy === 'sms_code') return 'phone_code';
  return strategy === 'recovery_code' ? 'backup_code' : strategy;
}

/** What a session shows of its user. */
function shownOf(user: User, belongings: readonly Belonging[], lastActiveAt: Date): object {
  return {
    user: fromUser(user, belongings, lastActiveAt),
    public_user_data: fromPublicUser(user),
  };
}

/** What it shows of itself. */
function ownOf(session: Listed, now: Date): object {
  const { organizationId } = session;
  return Object.assign(sessionBase(session, now), {
    last_active_organization_id: organizationId === null ? null : toId('organization', organizationId),
    factor_verification_age: factorAges(session, now),
    created_at: session.createdAt.getTime(),
    updated_at: session.changedAt.getTime(),
  });
}

/** Stands for the expiry of a session that never expires: the last moment of the year 9999. */
const NEVER_MILLISECONDS = 253_402_300_799_999;

/** Others add to it by Object.assign: of a list of 30, spreading it takes 70 µs, and this 5. */
function sessionBase(session: Outlined<Outline<(typeof BASE)[number]>>, now: Date): object {
  const expiresAt = session.expiresAt?.getTime() ?? NEVER_MILLISECONDS;
  return {
    id: toId('session', session.id),
    object: 'session',
    status: session.status === 'active' && !session.isLive(now) ? 'expired' : session.status,
    expire_at: expiresAt,
    abandon_at: expiresAt, // what has expired is not resumed
    last_active_at: session.lastActivityAt.getTime(),
    last_active_token: null,
    actor: null,
    tasks: null,
  };
}

/** A verification that failed or was replaced is refused by the core; to be shown, it is as far as it came. */
function reverificationStatus({ status, level, firstVerifiedAt }: Verification): string {
  if (status !== 'failed' && status !== 'replaced') return status;
  return level === 'second_factor' || firstVerifiedAt !== null ? 'needs_second_factor' : 'needs_first_factor';
}

/** A SignInFactor, with the address that a code of it goes to. */
function factorOf(strategy: Strategy, user: User): object {
  if (strategy === 'email_code') {
    return {
      strategy,
      safe_identifier: user.email,
      email_address_id: toId('emailAddress', user.id),
      primary: true,
    };
  }
  if (strategy === 'sms_code') {
    return {
      strategy: fromStrategy(strategy),
      safe_identifier: user.phoneNumber,
      phone_number_id: toId('phoneNumber', user.id),
      primary: true,
      default: true,
    };
  }
  return { strategy: fromStrategy(strategy) };
}

/** A Verification object of one factor. */
function proofOf(strategy: Strategy, verifiedAt: Date | null, verification: Verification, now: Date): object {
  const sent = strategy === 'email_code' || strategy === 'sms_code';
  const name = fromStrategy(strategy);
  const { expiresAt, attempts } = verification;
  const failing = verification.status === 'failed' ? 'failed' : expiresAt <= now ? 'expired' : 'unverified';
  const unverified = sent ? failing : 'unverified';
  return {
    object: sent ? 'verification_otp' : `verification_${name}`,
    status: verifiedAt === null ? unverified : 'verified',
    strategy: name,
    attempts,
    expire_at: expiresAt.getTime(),
  };
}

/** Which of the two second factors brought a session about. */
function secondProofOf({ totpVerifiedAt, recoveryCodeVerifiedAt }: Session): object | null {
  if (totpVerifiedAt !== null) return verified('totp');
  return recoveryCodeVerifiedAt === null ? null : verified('backup_code');
}

/** The Verification object of a factor that was proved at sign-in. */
function verified(strategy: string): object {
  const object = `verification_${strategy}`;
  return { object, status: 'verified', strategy, attempts: null, expire_at: null };
}
