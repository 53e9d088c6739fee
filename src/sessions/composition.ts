import type { CodeKind } from '../otp/otp.service.js';
import type { Sending } from '../otp/codes.service.js';
import { Refusal } from '../refusal.js';
import type { User } from '../users/user.entity.js';
import type { Agent, Session } from './session.entity.js';

/** Bounds of what is kept with a session, in entries and characters. */
export const METADATA_BOUNDS = { entries: 50, key: 100, value: 1_000 } as const;

/** What is proved in a session, asked of its user and noted of it: all of it, or nothing. */
export interface Composition {
  /** Whose session it is, by id or e-mail address; once it is somebody's it stays theirs. */
  readonly user?: { readonly id: string } | { readonly email: string };
  readonly password?: string;
  readonly codes: readonly { readonly kind: CodeKind; readonly code: string }[];
  /** Codes to be sent, or to be handed to the caller, for a later check. */
  readonly challenges: readonly Sending[];
  /** Entries to be set; one with an empty text is deleted. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Seconds from now on; null leaves it as it is. */
  readonly lifetimeSeconds: number | null;
}

/** A composition that opens a session. */
export interface Opening extends Composition {
  readonly fingerprint: string | null;
  readonly agent: Agent | null;
}

/** What was proved at one moment. */
interface Proved {
  readonly at: Date;
  /** Null while nobody was named. */
  readonly user: Pick<User, 'id' | 'twoFactorAuth'> | null;
  /** True when the user was named, which stamps anew whose session it is. */
  readonly named: boolean;
  readonly password: boolean;
  readonly codes: readonly CodeKind[];
}

/** A session as far as a composition changes it. */
export type Composed = Pick<
  Session,
  | 'status'
  | 'userId'
  | 'userVerifiedAt'
  | 'passwordVerifiedAt'
  | 'emailCodeVerifiedAt'
  | 'smsCodeVerifiedAt'
  | 'totpVerifiedAt'
  | 'recoveryCodeVerifiedAt'
  | 'firstFactorVerifiedAt'
  | 'secondFactorVerifiedAt'
  | 'metadata'
  | 'lifetimeSeconds'
>;

/** A session that names nobody, in which nothing was proved. */
export const BLANK: Composed = {
  status: 'pending_otp',
  userId: null as unknown as string, // as in the row: null while pending
  userVerifiedAt: null,
  passwordVerifiedAt: null,
  emailCodeVerifiedAt: null,
  smsCodeVerifiedAt: null,
  totpVerifiedAt: null,
  recoveryCodeVerifiedAt: null,
  firstFactorVerifiedAt: null,
  secondFactorVerifiedAt: null,
  metadata: {},
  lifetimeSeconds: null,
};

/** Whether a composition asks for anything that changes the session. */
export function changesAnything(composition: Composition): boolean {
  const { user, password, codes, challenges, metadata, lifetimeSeconds } = composition;
  if (user !== undefined || password !== undefined || lifetimeSeconds !== null) return true;
  return codes.length + challenges.length + Object.keys(metadata).length > 0;
}

/**
 * The session after a composition. It is active once its password was proved and, for a user with a second factor,
 * a code of their authenticator app or a recovery code: codes that were sent replace neither.
 * @throws Refusal invalid at `metadata` when that becomes too much
 */
export function composed(before: Composed, wanted: Composition, proved: Proved): Composed {
  const { at, user, codes } = proved;
  const has = (kind: CodeKind) => codes.includes(kind);
  const stamped = {
    userVerifiedAt: proved.named ? at : before.userVerifiedAt,
    passwordVerifiedAt: proved.password ? at : before.passwordVerifiedAt,
    emailCodeVerifiedAt: has('email_code') ? at : before.emailCodeVerifiedAt,
    smsCodeVerifiedAt: has('sms_code') ? at : before.smsCodeVerifiedAt,
    totpVerifiedAt: has('totp') ? at : before.totpVerifiedAt,
    recoveryCodeVerifiedAt: has('recovery_code') ? at : before.recoveryCodeVerifiedAt,
  };
  // An SMS is a second factor behind another one, for whoever has no authenticator app; else it is the first one.
  const behind = stamped.passwordVerifiedAt !== null || stamped.emailCodeVerifiedAt !== null;
  const smsIsSecond = has('sms_code') && behind && user?.twoFactorAuth === false;
  const first = proved.password || has('email_code') || (has('sms_code') && !smsIsSecond);
  const second = has('totp') || has('recovery_code') || smsIsSecond;
  const owesCode =
    user?.twoFactorAuth === true &&
    stamped.totpVerifiedAt === null &&
    stamped.recoveryCodeVerifiedAt === null;
  const isProved = user !== null && stamped.passwordVerifiedAt !== null && !owesCode;
  return {
    ...stamped,
    status: before.status === 'active' || isProved ? 'active' : 'pending_otp',
    userId: user?.id ?? before.userId,
    firstFactorVerifiedAt: first ? at : before.firstFactorVerifiedAt,
    secondFactorVerifiedAt: second ? at : before.secondFactorVerifiedAt,
    metadata: merged(before.metadata, wanted.metadata),
    lifetimeSeconds: wanted.lifetimeSeconds ?? before.lifetimeSeconds,
  };
}

function merged(
  before: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== '');
  if (entries.length > METADATA_BOUNDS.entries) throw new Refusal('invalid', { attribute: 'metadata' });
  return Object.fromEntries(entries);
}
