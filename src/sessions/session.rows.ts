import type { Columns } from '../database/where-of.js';
import { User } from '../users/user.entity.js';
import {
  SESSION_AND_USER,
  type Outline,
  type OutlinedSession,
  type SessionColumn,
  type UserColumn,
} from './session.columns.js';
import { Session } from './session.entity.js';

/** Every column of a session, and of its user all but the password hash: select lists, see `Outline`. */
export const { ofSession: SESSION, ofUser: OWNER } = SESSION_AND_USER;

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

/** A row of `SESSION` as the entity, so that it answers questions about itself. */
export function asSession(row: Session | undefined): Session | null {
  return row === undefined ? null : copied(row);
}

/** A row of a list as the session, with its user where the list shows users: the known one if it is theirs. */
export function asOutlined<S extends SessionColumn, U extends UserColumn>(
  outline: Outline<S, U>,
  row: Record<string, unknown>,
  known: User | null,
): OutlinedSession<S, U> {
  if (outline.readsUsers(known)) return withUserIfNamed(row);
  const session = copied(row);
  if (outline.user.length > 0 && session.userId === known?.id) session.user = known;
  return session;
}

/** A copy, since a row that is given another prototype has a layout of its own from then on, which is slow to read. */
function copied(row: object): Session {
  return Object.assign(new Session(), row);
}

/** A session with whose it is. */
export type OwnedSession = Session & { user: User };

/** A row of `SESSION` and `OWNER` as both entities. */
export function asOwnedSession(row: Record<string, unknown> | undefined): OwnedSession | null {
  return row === undefined ? null : withUser(row);
}

/** The same of a session that may name nobody yet: then it is without a user. */
export function withUserIfNamed(row: Record<string, unknown>): Session {
  const session: Session = withUser(row);
  if (session.userId === null) delete session.user;
  return session;
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
