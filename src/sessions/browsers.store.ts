import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import type { OwnMembership } from '../users/organizations.store.js';
import type { User } from '../users/user.entity.js';
import type { Browser } from './browser.entity.js';
import {
  ATTEMPT,
  attemptIn,
  BROWSER,
  browserIn,
  MEMBERSHIP,
  membershipIn,
  MEMBERSHIPS,
  membershipsIn,
  sessionIn,
  type BrowserRow,
} from './browser.rows.js';
import type { Session } from './session.entity.js';
import { LIVE, OWNER, SESSION, type OwnedSession } from './session.rows.js';
import type { SignInAttempt } from './sign-in-attempt.entity.js';
import { BRIEF, type BriefSession } from './signed-in.js';

/** A browser by its credential, and the session in question if the browser holds it, in whatever state. */
export interface FoundBrowser {
  readonly browser: Browser;
  readonly session: OwnedSession | null;
  /** What the session's user is in the organisation that it acts for. */
  readonly membership: OwnMembership | null;
}

/** A session as far as `BRIEF` reads it, and its user. */
type BriefOwnedSession = BriefSession & { user: User };

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
    const [row] = await prepared<BrowserRow>(
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
    const session = row.id === null ? null : sessionIn(row);
    return { browser: browserIn(row), session, membership: membershipIn(row) };
  }

  /**
   * The session that is asked for, or else the one that was used last, if the browser of a credential holds it, in
   * whatever state; with what its user belongs to.
   */
  async findUser(
    tokenHash: Buffer,
    sessionId: string | null,
    now: Date,
  ): Promise<{ session: BriefOwnedSession; memberships: OwnMembership[] } | null> {
    const [row] = await prepared<BrowserRow>(
      this.database,
      'browser_user_by_token',
      `SELECT ${BRIEF.ofSession}, ${OWNER}, ${MEMBERSHIPS} AS memberships
       FROM browsers b
       JOIN sessions s ON s.browser_id = b.id AND s.id = coalesce($2, b.last_active_session_id)
       JOIN users u ON u.id = s.user_id
       WHERE b.token_hash = $1 AND b.expires_at > $3`,
      [tokenHash, sessionId, now],
    );
    return row === undefined ? null : { session: sessionIn(row), memberships: membershipsIn(row) };
  }

  /** What the browser of a credential holds: live sessions, those that ended within a day, and the sign-in under way. */
  async contents(tokenHash: Buffer, now: Date): Promise<BrowserRows | null> {
    const rows = await prepared<BrowserRow>(
      this.database,
      'browser_contents',
      `SELECT ${BROWSER}, ${ATTEMPT}, ${SESSION}, ${OWNER},
         ${MEMBERSHIPS} AS memberships
       FROM browsers b
       LEFT JOIN LATERAL (
         SELECT * FROM sign_in_attempts open WHERE open.browser_id = b.id
           AND open.status IN ('needs_first_factor', 'needs_second_factor') AND open.expires_at > $1
         ORDER BY open.id DESC LIMIT 1) a ON true
       LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id AND u.status = 'active') ON s.browser_id = b.id
         AND ((${LIVE}) OR (s.status = 'ended' AND s.ended_at > $1::timestamptz - ${ENDED_SHOWN}))
       WHERE b.token_hash = $2 AND b.expires_at > $1
       ORDER BY s.status = 'active' DESC, s.id DESC LIMIT ${MOST_SHOWN}`,
      [now, tokenHash],
    );
    const [first] = rows;
    if (first === undefined) return null;
    const held = rows.filter(({ id }) => id !== null);
    return {
      browser: browserIn(first),
      sessions: held.map(sessionIn),
      memberships: new Map(held.map((row) => [row.userId as string, membershipsIn(row)])),
      attempt: attemptIn(first),
    };
  }

  /** Adds a browser, and deletes some that expired. */
  async insert(tokenHash: Buffer, now: Date, expiresAt: Date): Promise<Browser> {
    await this.removeExpired(this.database.manager, now, SWEPT_AT_ONCE);
    const [row] = await prepared<BrowserRow>(
      this.database,
      'browser_insert',
      `INSERT INTO browsers AS b (token_hash, created_at, updated_at, expires_at) VALUES ($1, $2, $2, $3)
       RETURNING ${BROWSER}`,
      [tokenHash, now, expiresAt],
    );
    return browserIn(row!);
  }

  /** Puts another credential in the place of one that is still the browser's; null when it is not. */
  async rotate(manager: EntityManager, rotation: Rotation): Promise<Browser | null> {
    const [row] = await prepared<BrowserRow>(
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
    return row === undefined ? null : browserIn(row);
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
}
