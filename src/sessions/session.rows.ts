import type { Columns } from '../database/where-of.js';
import { User } from '../users/user.entity.js';
import { Session } from './session.entity.js';

/** The columns of a session that the native API shows unless it is asked for more, by the entity's names. */
export const OUTLINE = `s.id, s.user_id AS "userId", s.name, s.note, s.last_ip AS "lastIp", s.location, s.device,
  s.platform, s.browser, s.machine, s.read_only AS "readOnly", s.last_activity_at AS "lastActivityAt",
  s.expires_at AS "expiresAt", s.otp_verified_at AS "secondFactorVerifiedAt", s.single_sign_on AS "singleSignOn"`;

/** A session as far as `OUTLINE` reads it. */
export type SessionOutline = Pick<
  Session,
  | (
      | 'id'
      | 'userId'
      | 'name'
      | 'note'
      | 'lastIp'
      | 'location'
      | 'device'
      | 'platform'
      | 'browser'
      | 'machine'
    )
  | (
      | 'readOnly'
      | 'lastActivityAt'
      | 'expiresAt'
      | 'secondFactorVerifiedAt'
      | 'singleSignOn'
      | 'user'
      | 'token'
    )
>;

/** Every column of a session, by the entity's names. */
export const SESSION = `${OUTLINE}, s.status, s.token_hash AS "tokenHash", s.user_agent AS "userAgent",
  s.otp_attempts AS "otpAttempts", s.user_verified_at AS "userVerifiedAt",
  s.password_verified_at AS "passwordVerifiedAt", s.email_code_verified_at AS "emailCodeVerifiedAt",
  s.sms_code_verified_at AS "smsCodeVerifiedAt", s.totp_verified_at AS "totpVerifiedAt",
  s.recovery_code_verified_at AS "recoveryCodeVerifiedAt", s.first_factor_verified_at AS "firstFactorVerifiedAt",
  s.browser_id AS "browserId", s.organization_id AS "organizationId", s.creator_id AS "creatorId",
  s.device_name AS "deviceName", s.environment, s.city, s.country, s.latitude, s.longitude, s.fingerprint, s.agent,
  s.metadata, s.lifetime_seconds AS "lifetimeSeconds", s.refresh_token_hash AS "refreshTokenHash", s.version,
  s.write_mark AS "writeMark", s.changed_at AS "changedAt", s.created_at AS "createdAt", s.ended_at AS "endedAt"`;

/** What is read of its user: all but the password hash. */
export const OWNER = `u.email AS "u_email", u.email_key AS "u_emailKey", u.first_name AS "u_firstName",
  u.last_name AS "u_lastName", u.avatar_url AS "u_avatarUrl", u.phone_number AS "u_phoneNumber",
  u.locale AS "u_locale", u.time_zone AS "u_timeZone", u.status AS "u_status", u.rights AS "u_rights",
  u.credentials_version AS "u_credentialsVersion", u.two_factor_auth AS "u_twoFactorAuth", u.metadata AS "u_metadata",
  u.created_at AS "u_createdAt", u.updated_at AS "u_updatedAt"`;

/** Active and unexpired at $1: the one definition of a live session in SQL (see `Session#isLive`). */
export const LIVE = `s.status = 'active' AND (s.expires_at IS NULL OR s.expires_at > $1)`;

/** What a list can be filtered and sorted by. */
export const LISTED: Columns = {
  id: { sql: 's.id', kind: 'integer', nullable: false },
  userId: { sql: 's.user_id', kind: 'integer', nullable: false },
  name: { sql: 's.name', kind: 'text', nullable: true },
  lastIp: { sql: 's.last_ip', kind: 'text', nullable: true },
  location: { sql: 's.location', kind: 'text', nullable: true },
  device: { sql: 's.device', kind: 'text', nullable: true },
  platform: { sql: 's.platform', kind: 'text', nullable: true },
  browser: { sql: 's.browser', kind: 'text', nullable: true },
  machine: { sql: 's.machine', kind: 'boolean', nullable: false },
  readOnly: { sql: 's.read_only', kind: 'boolean', nullable: false },
  lastActivityAt: { sql: 's.last_activity_at', kind: 'instant', nullable: false },
  expiresAt: { sql: 's.expires_at', kind: 'instant', nullable: true },
  twoFactorAuth: { sql: '(s.otp_verified_at IS NOT NULL)', kind: 'boolean', nullable: false },
  singleSignOn: { sql: 's.single_sign_on', kind: 'boolean', nullable: false },
  createdAt: { sql: 's.created_at', kind: 'instant', nullable: false },
  changedAt: { sql: 's.changed_at', kind: 'instant', nullable: false },
  version: { sql: 's.version', kind: 'integer', nullable: false },
  neverExpires: { sql: '(s.expires_at IS NULL)', kind: 'boolean', nullable: false },
  userEmail: { sql: '(SELECT o.email FROM users o WHERE o.id = s.user_id)', kind: 'text', nullable: false },
  deviceName: { sql: 's.device_name', kind: 'text', nullable: true },
  environment: { sql: 's.environment', kind: 'text', nullable: true },
  browserId: { sql: 's.browser_id', kind: 'integer', nullable: true },
  organizationId: { sql: 's.organization_id', kind: 'integer', nullable: true },
  creatorId: { sql: 'coalesce(s.creator_id, s.user_id)', kind: 'integer', nullable: false },
  fingerprint: { sql: 's.fingerprint', kind: 'text', nullable: true },
};

/**
 * A row of `SESSION` as the entity, so that it answers questions about itself. The row becomes the session: copying
 * forty columns takes longer than reading them.
 */
export function asSession(row: Session | undefined): Session | null {
  return row === undefined ? null : become(row);
}

/** A row of `SESSION` as the entity, with the user whom the list is for where it is theirs. */
export function withKnownUser(row: Record<string, unknown>, user: User): Session {
  const session = become(row);
  if (session.userId === user.id) session.user = user;
  return session;
}

function become(row: object): Session {
  return Object.setPrototypeOf(row, Session.prototype) as Session;
}

/** A session with whose it is. */
export type OwnedSession = Session & { user: User };

/** A row of `SESSION` and `OWNER` as both entities. */
export function asOwnedSession(row: Record<string, unknown> | undefined): OwnedSession | null {
  return row === undefined ? null : withUser(row);
}

/** Takes a row of `SESSION` and `OWNER` apart. */
export function withUser(row: Record<string, unknown>): OwnedSession {
  const session = new Session() as unknown as Record<string, unknown>;
  const user = new User() as unknown as Record<string, unknown>;
  for (const name in row) {
    if (name.startsWith('u_')) user[name.slice(2)] = row[name];
    else session[name] = row[name];
  }
  user.id = session.userId;
  session.user = user;
  return session as unknown as OwnedSession;
}
