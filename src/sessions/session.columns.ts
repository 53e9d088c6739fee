import type { User } from '../users/user.entity.js';
import type { Session } from './session.entity.js';

/** Where each column of a session is, by the entity's names. */
const OF_SESSION = {
  id: 's.id',
  userId: 's.user_id',
  name: 's.name',
  note: 's.note',
  lastIp: 's.last_ip',
  location: 's.location',
  device: 's.device',
  platform: 's.platform',
  browser: 's.browser',
  machine: 's.machine',
  readOnly: 's.read_only',
  lastActivityAt: 's.last_activity_at',
  expiresAt: 's.expires_at',
  secondFactorVerifiedAt: 's.otp_verified_at',
  singleSignOn: 's.single_sign_on',
  status: 's.status',
  tokenHash: 's.token_hash',
  userAgent: 's.user_agent',
  otpAttempts: 's.otp_attempts',
  userVerifiedAt: 's.user_verified_at',
  passwordVerifiedAt: 's.password_verified_at',
  emailCodeVerifiedAt: 's.email_code_verified_at',
  smsCodeVerifiedAt: 's.sms_code_verified_at',
  totpVerifiedAt: 's.totp_verified_at',
  recoveryCodeVerifiedAt: 's.recovery_code_verified_at',
  firstFactorVerifiedAt: 's.first_factor_verified_at',
  browserId: 's.browser_id',
  organizationId: 's.organization_id',
  creatorId: 's.creator_id',
  deviceName: 's.device_name',
  environment: 's.environment',
  city: 's.city',
  country: 's.country',
  latitude: 's.latitude',
  longitude: 's.longitude',
  fingerprint: 's.fingerprint',
  agent: 's.agent',
  metadata: 's.metadata',
  lifetimeSeconds: 's.lifetime_seconds',
  refreshTokenHash: 's.refresh_token_hash',
  version: 's.version',
  writeMark: 's.write_mark',
  changedAt: 's.changed_at',
  createdAt: 's.created_at',
  endedAt: 's.ended_at',
} as const satisfies Partial<Record<keyof Session, string>>;

/** The same of its user, whose id the session has; nobody reads the password hash along. */
const OF_USER = {
  email: 'u.email',
  emailKey: 'u.email_key',
  firstName: 'u.first_name',
  lastName: 'u.last_name',
  avatarUrl: 'u.avatar_url',
  phoneNumber: 'u.phone_number',
  locale: 'u.locale',
  timeZone: 'u.time_zone',
  status: 'u.status',
  rights: 'u.rights',
  credentialsVersion: 'u.credentials_version',
  twoFactorAuth: 'u.two_factor_auth',
  metadata: 'u.metadata',
  createdAt: 'u.created_at',
  updatedAt: 'u.updated_at',
} as const satisfies Partial<Record<keyof User, string>>;

export type SessionColumn = keyof typeof OF_SESSION;
export type UserColumn = keyof typeof OF_USER;

/**
 * What a list reads of each session, and of its user, or a recognition of a caller: the columns that it needs, and no
 * others. What is shown is written from `Outlined` rows, so that nothing else can be.
 */
export class Outline<S extends SessionColumn, U extends UserColumn = never> {
  /** Select lists, of `sessions s` and `users u`; the user's columns get the prefix `u_`. */
  readonly ofSession: string;
  readonly ofUser: string;

  /** @param user nothing for a list that shows no users */
  constructor(
    readonly session: readonly S[],
    readonly user: readonly U[] = [],
  ) {
    // Whose a session is decides what of it is shown to whom.
    const columns = new Set<SessionColumn>(['id', 'userId', ...session]);
    this.ofSession = [...columns].map((name) => `${OF_SESSION[name]} AS "${name}"`).join(', ');
    this.ofUser = user.map((name) => `${OF_USER[name]} AS "u_${name}"`).join(', ');
  }

  /** @param known the one user whom the list is about, if that is known: nobody else's is shown */
  readsUsers(known: User | null): boolean {
    return known === null && this.user.length > 0;
  }

  /** The whole select list. */
  select(known: User | null): string {
    return this.readsUsers(known) ? `${this.ofSession}, ${this.ofUser}` : this.ofSession;
  }
}

/** What a session answers out of its columns; which those are, each method says by its `this`. */
type Questions = 'isLive' | 'isPending' | 'isSecured' | 'securedUntil';

/** A session as far as it was read. */
export type OutlinedSession<S extends SessionColumn, U extends UserColumn> = Pick<
  Session,
  'id' | 'userId' | 'token' | Questions
> &
  Pick<Session, S> & { user?: Pick<User, 'id' | U> };

/** A row of an outline. */
export type Outlined<O> = O extends Outline<infer S, infer U> ? OutlinedSession<S, U> : never;

/** All of a session. */
export const WHOLE_SESSION = new Outline(Object.keys(OF_SESSION) as SessionColumn[]);

/** All of a session and of its user. */
export const SESSION_AND_USER = new Outline(WHOLE_SESSION.session, Object.keys(OF_USER) as UserColumn[]);
