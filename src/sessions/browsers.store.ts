import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import type { OwnMembership } from '../users/organizations.store.js';
import { Browser } from './browser.entity.js';
import type { Session } from './session.entity.js';
import { LIVE, OWNER, SESSION, withUser, type OwnedSession } from './session.rows.js';
import type { SignInAttempt } from './sign-in-attempt.entity.js';

/** A browser by its credential, and the session in question if the browser holds it, in whatever state. */
export interface FoundBrowser {
  readonly browser: Browser;
  readonly session: OwnedSession | null;
  /** What the session's user is in the organisation that it acts for. */
  readonly membership: OwnMembership | null;
}

/** What a browser holds at one moment. */
export interface BrowserRows {
  readonly browser: Browser;
  readonly sessions: readonly OwnedSession[];
  /** What each of their users belongs to, by the user's id. */
  readonly memberships: ReadonlyMap<string, readonly OwnMembership[]>;
  /** The sign-in that is under way in it. */
  readonly attempt: SignInAttempt | null;
}

/** A session that came to its end with others. */
export type EndedSession = Pick<Session, 'id' | 'userId'>;

/** How a browser's credential is replaced. */
export interface Rotation {
  readonly browserId: string;
  readonly oldTokenHash: Buffer;
  readonly tokenHash: Buffer;
  readonly now: Date;
  readonly expiresAt: Date;
  /** The session that is used in it from now on; null to leave that as it is. */
  readonly lastActiveSessionId: string | null;
}

const BROWSER = `b.id AS "b_id", b.token_hash AS "b_tokenHash", b.last_active_session_id AS "b_lastActiveSessionId",
  b.created_at AS "b_createdAt", b.updated_at AS "b_updatedAt", b.expires_at AS "b_expiresAt"`;

const ATTEMPT = `a.id AS "a_id", a.browser_id AS "a_browserId", a.identifier AS "a_identifier",
  a.session_id AS "a_sessionId", a.status AS "a_status", a.created_at AS "a_createdAt",
  a.updated_at AS "a_updatedAt", a.expires_at AS "a_expiresAt"`;

const MEMBERSHIP = `json_build_object('id', m.id::text, 'organizationId', m.organization_id::text,
  'userId', m.user_id::text, 'role', m.role, 'createdAt', m.created_at, 'updatedAt', m.updated_at,
  'organization', json_build_object('id', o.id::text, 'name', o.name, 'slug', o.slug, 'metadata', o.metadata,
    'createdAt', o.created_at, 'updatedAt', o.updated_at))`;

/** Of no use after so long, an ended session is not shown any more. */
const ENDED_SHOWN = `interval '1 day'`;
/** Sessions shown at most, the live ones first. */
const MOST_SHOWN = 100;
/** Expired browsers that are deleted for each new one. */
const SWEPT_AT_ONCE = 10;

/** All SQL on `browsers`, and what moves sessions into them and out of them. */
@Injectable()
export class BrowsersStore {
  constructor(private readonly database: DataSource) {}

  /** The browser of a credential: the one statement that its hot requests take. */
  async find(tokenHash: Buffer, sessionId: string | null, now: Date): Promise<FoundBrowser | null> {
    const [row] = await prepared<Row>(
      this.database,
      'browser_by_token',
      `SELECT ${BROWSER}, ${SESSION}, ${OWNER},
         CASE WHEN m.id IS NOT NULL THEN ${MEMBERSHIP} END AS membership
       FROM browsers b
       LEFT JOIN sessions s ON s.browser_id = b.id AND s.id = $2
       LEFT JOIN users u ON u.id = s.user_id
       LEFT JOIN memberships m ON m.user_id = s.user_id AND m.organization_id = s.organization_id
       LEFT JOIN organizations o ON o.id = m.organization_id
       WHERE b.token_hash = $1 AND b.expires_at > $3`,
      [tokenHash, sessionId, now],
    );
    if (row === undefined) return null;
    const { browser, session } = takeApart(row);
    return {
      browser: Object.assign(new Browser(), browser),
      session: session.id === null ? null : withUser(session),
      membership: row.membership ? readMembership(row.membership as WrittenMembership) : null,
    };
  }

  /** What a browser holds: live sessions, those that ended within a day, and the sign-in under way. */
  contents(browserId: string, now: Date): Promise<BrowserRows | null> {
    return this.read('browser_contents', 'b.id = $2', browserId, now);
  }

  /** The same by the browser's credential: the one statement of requests that only read. */
  findWithContents(tokenHash: Buffer, now: Date): Promise<BrowserRows | null> {
    return this.read('browser_contents_by_token', 'b.token_hash = $2 AND b.expires_at > $1', tokenHash, now);
  }

  /** Adds a browser, and deletes some that expired. */
  async insert(tokenHash: Buffer, now: Date, expiresAt: Date): Promise<Browser> {
    await this.removeExpired(this.database.manager, now, SWEPT_AT_ONCE);
    const [row] = await prepared<Row>(
      this.database,
      'browser_insert',
      `INSERT INTO browsers AS b (token_hash, created_at, updated_at, expires_at) VALUES ($1, $2, $2, $3)
       RETURNING ${BROWSER}`,
      [tokenHash, now, expiresAt],
    );
    return browserOf(row!);
  }

  /** Puts another credential in the place of one that is still the browser's; null when it is not. */
  async rotate(manager: EntityManager, rotation: Rotation): Promise<Browser | null> {
    const [row] = await prepared<Row>(
      manager,
      'browser_rotate',
      `UPDATE browsers b SET token_hash = $3, updated_at = $4, expires_at = $5,
         last_active_session_id = coalesce($6, b.last_active_session_id)
       WHERE b.id = $1 AND b.token_hash = $2 AND b.expires_at > $4 RETURNING ${BROWSER}`,
      [
        rotation.browserId,
        rotation.oldTokenHash,
        rotation.tokenHash,
        rotation.now,
        rotation.expiresAt,
        rotation.lastActiveSessionId,
      ],
    );
    return row === undefined ? null : browserOf(row);
  }

  /**
   * Puts a live session into a browser whose row is locked, in the place of earlier ones of the same user.
   * @returns those, or null when the session is not live any more
   */
  async adopt(
    manager: EntityManager,
    browserId: string,
    session: Session,
    now: Date,
  ): Promise<EndedSession[] | null> {
    const replaced = await prepared<EndedSession>(
      manager,
      'browser_replace_sessions',
      `WITH earlier AS (
         SELECT id FROM sessions WHERE browser_id = $1 AND user_id = $2 AND status = 'active' AND id <> $3
         ORDER BY id FOR UPDATE)
       UPDATE sessions s SET status = 'replaced', ended_at = $4, version = version + 1, changed_at = $4
       FROM earlier WHERE s.id = earlier.id RETURNING s.id, s.user_id AS "userId"`,
      [browserId, session.userId, session.id, now],
    );
    const adopted = await prepared(
      manager,
      'browser_adopt_session',
      `UPDATE sessions SET browser_id = $1 WHERE id = $2 AND status = 'active' RETURNING id`,
      [browserId, session.id],
    );
    return adopted.length === 1 ? replaced : null;
  }

  /**
   * Notes which session was used last, and lets the browser live on from there.
   * @returns false when the credential is not the browser's any more
   */
  async touch(
    browserId: string,
    tokenHash: Buffer,
    { sessionId, now, expiresAt }: { sessionId: string; now: Date; expiresAt: Date },
  ): Promise<boolean> {
    const rows = await prepared(
      this.database,
      'browser_touch',
      `UPDATE browsers SET last_active_session_id = $3, updated_at = $4, expires_at = $5
       WHERE id = $1 AND token_hash = $2 RETURNING id`,
      [browserId, tokenHash, sessionId, now, expiresAt],
    );
    return rows.length === 1;
  }

  /** Ends every live session of a browser, and takes out those that ended in it; null when the credential is not the browser's any more. */
  async empty(
    manager: EntityManager,
    browserId: string,
    tokenHash: Buffer,
    now: Date,
  ): Promise<EndedSession[] | null> {
    const locked = await prepared(
      manager,
      'browser_lock',
      `SELECT id FROM browsers WHERE id = $1 AND token_hash = $2 FOR UPDATE`,
      [browserId, tokenHash],
    );
    if (locked.length === 0) return null;
    await prepared(
      manager,
      'browser_forget_ended',
      `WITH shown AS (
         SELECT id FROM sessions WHERE browser_id = $1 AND status = 'ended' ORDER BY id FOR UPDATE)
       UPDATE sessions s SET browser_id = NULL FROM shown WHERE s.id = shown.id`,
      [browserId],
    );
    return prepared(
      manager,
      'browser_end_sessions',
      `WITH held AS (SELECT s.id FROM sessions s WHERE ${LIVE} AND s.browser_id = $2 ORDER BY s.id FOR UPDATE OF s)
       UPDATE sessions s SET status = 'removed', ended_at = $1, version = version + 1, changed_at = $1
       FROM held WHERE s.id = held.id RETURNING s.id, s.user_id AS "userId"`,
      [now, browserId],
    );
  }

  async delete(manager: EntityManager, browserId: string): Promise<void> {
    await prepared(manager, 'browser_delete', 'DELETE FROM browsers WHERE id = $1', [browserId]);
  }

  /** Removes browsers that have expired, and the sign-ins that began in them. @returns how many, at most so many */
  async removeExpired(manager: EntityManager, now: Date, most: number): Promise<number> {
    const rows = await prepared(
      manager,
      'browsers_remove_expired',
      `DELETE FROM browsers WHERE id IN (
         SELECT id FROM browsers WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING id`,
      [now, most],
    );
    return rows.length;
  }

  private async read(
    name: string,
    which: string,
    value: string | Buffer,
    now: Date,
  ): Promise<BrowserRows | null> {
    const rows = await prepared<Row>(
      this.database,
      name,
      `SELECT ${BROWSER}, ${ATTEMPT}, ${SESSION}, ${OWNER},
         (SELECT coalesce(json_agg(${MEMBERSHIP} ORDER BY m.id), '[]')
          FROM memberships m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = u.id) AS memberships
       FROM browsers b
       LEFT JOIN LATERAL (
         SELECT * FROM sign_in_attempts open WHERE open.browser_id = b.id
           AND open.status IN ('needs_first_factor', 'needs_second_factor') AND open.expires_at > $1
         ORDER BY open.id DESC LIMIT 1) a ON true
       LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active') ON s.browser_id = b.id
         AND ((${LIVE}) OR (s.status = 'ended' AND s.ended_at > $1::timestamptz - ${ENDED_SHOWN}))
       WHERE ${which}
       ORDER BY s.status = 'active' DESC, s.id DESC LIMIT ${MOST_SHOWN}`,
      [now, value],
    );
    const [first] = rows;
    if (first === undefined) return null;
    const { browser, attempt } = takeApart(first);
    const held = rows.filter((row) => row.id !== null);
    return {
      browser: Object.assign(new Browser(), browser),
      sessions: held.map((row) => withUser(takeApart(row).session)),
      memberships: new Map(
        held.map((row) => [
          row.userId as string,
          (row.memberships as WrittenMembership[]).map(readMembership),
        ]),
      ),
      attempt: attempt.id === null ? null : (attempt as unknown as SignInAttempt),
    };
  }
}

type Row = Record<string, unknown>;

/** A membership as JSON: its instants are texts. */
type WrittenMembership = OwnMembership;

function browserOf(row: Row): Browser {
  return Object.assign(new Browser(), takeApart(row).browser);
}

/** The columns of `BROWSER` and `ATTEMPT` without their prefixes; those of `SESSION` and `OWNER` as they are. */
function takeApart(row: Row): { browser: Row; attempt: Row; session: Row } {
  const parts = { browser: {} as Row, attempt: {} as Row, session: {} as Row };
  for (const name in row) {
    if (name.startsWith('b_')) parts.browser[name.slice(2)] = row[name];
    else if (name.startsWith('a_')) parts.attempt[name.slice(2)] = row[name];
    else if (!name.startsWith('membership')) parts.session[name] = row[name];
  }
  return parts;
}

function readMembership(written: WrittenMembership): OwnMembership {
  const { organization } = written;
  return { ...written, ...instants(written), organization: { ...organization, ...instants(organization) } };
}

function instants(written: { createdAt: Date; updatedAt: Date }): { createdAt: Date; updatedAt: Date } {
  return { createdAt: new Date(written.createdAt), updatedAt: new Date(written.updatedAt) };
}
