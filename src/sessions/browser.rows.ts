import type { OwnMembership } from '../users/organizations.store.js';
import { Browser } from './browser.entity.js';
import { withUser, type OwnedSession } from './session.rows.js';
import type { SignInAttempt } from './sign-in-attempt.entity.js';

/** Select list of `browsers b`. */
export const BROWSER = `b.id AS "b_id", b.token_hash AS "b_tokenHash", b.last_active_session_id AS "b_lastActiveSessionId",
  b.created_at AS "b_createdAt", b.updated_at AS "b_updatedAt", b.expires_at AS "b_expiresAt"`;

/** Select list of `sign_in_attempts a`. */
export const ATTEMPT = `a.id AS "a_id", a.browser_id AS "a_browserId", a.identifier AS "a_identifier",
  a.session_id AS "a_sessionId", a.status AS "a_status", a.created_at AS "a_createdAt",
  a.updated_at AS "a_updatedAt", a.expires_at AS "a_expiresAt"`;

/** Of `memberships m` and `organizations o`, as JSON. */
export const MEMBERSHIP = `json_build_object('id', m.id::text, 'organizationId', m.organization_id::text,
  'userId', m.user_id::text, 'role', m.role, 'createdAt', m.created_at, 'updatedAt', m.updated_at,
  'organization', json_build_object('id', o.id::text, 'name', o.name, 'slug', o.slug, 'metadata', o.metadata,
    'createdAt', o.created_at, 'updatedAt', o.updated_at))`;

/** All of the user `u`, as a JSON array. */
export const MEMBERSHIPS = `(SELECT coalesce(json_agg(${MEMBERSHIP} ORDER BY m.id), '[]')
  FROM memberships m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = u.id)`;

/** A row of some of the lists above, beside `SESSION` and `OWNER`; a membership of its own is called `membership`. */
export type BrowserRow = Record<string, unknown>;

/** The browser that the row has. */
export function browserIn(row: BrowserRow): Browser {
  return Object.assign(new Browser(), withPrefix('b_', row));
}

/** Null where the row has none. */
export function attemptIn(row: BrowserRow): SignInAttempt | null {
  const attempt = withPrefix('a_', row) as unknown as SignInAttempt;
  return attempt.id === null ? null : attempt;
}

/** The session that the row has, and its user. */
export function sessionIn(row: BrowserRow): OwnedSession {
  const session: BrowserRow = {};
  for (const name in row) if (!/^(?:[ab]_|membership)/.test(name)) session[name] = row[name];
  return withUser(session);
}

/** Null where the row has none. */
export function membershipIn(row: BrowserRow): OwnMembership | null {
  return row.membership === null ? null : readMembership(row.membership as WrittenMembership);
}

/** All that the user of the row belongs to. */
export function membershipsIn(row: BrowserRow): OwnMembership[] {
  return (row.memberships as WrittenMembership[]).map(readMembership);
}

function withPrefix(prefix: string, row: BrowserRow): BrowserRow {
  const part: BrowserRow = {};
  for (const name in row) if (name.startsWith(prefix)) part[name.slice(prefix.length)] = row[name];
  return part;
}

/** A membership as JSON: its instants are texts. */
type WrittenMembership = OwnMembership;

function readMembership(written: WrittenMembership): OwnMembership {
  const { organization } = written;
  return { ...written, ...instants(written), organization: { ...organization, ...instants(organization) } };
}

function instants(written: { createdAt: Date; updatedAt: Date }): { createdAt: Date; updatedAt: Date } {
  return { createdAt: new Date(written.createdAt), updatedAt: new Date(written.updatedAt) };
}
