import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager } from 'typeorm';
import type { SessionMark } from '../caller.js';
import { prepared } from '../database/prepared.js';
import { Replica } from '../database/replica.js';
import { selectPage } from '../database/select-page.js';
import type { Page, Slice } from '../page.js';
import type { User } from '../users/user.entity.js';
import {
  SESSION_AND_USER,
  type Outline,
  type OutlinedSession,
  type SessionColumn,
  type UserColumn,
} from './session.columns.js';
import { MAX_OTP_ATTEMPTS, type Session } from './session.entity.js';
import {
  asOutlined,
  asOwnedSession,
  asSession,
  LISTED,
  LIVE,
  OWNER,
  SESSION,
  type OwnedSession,
} from './session.rows.js';
import { BRIEF, type BriefSession } from './signed-in.js';

/** What may be said of a session that is there already. */
export type SessionEdits = {
  readonly [name in 'organizationId' | 'name' | 'note' | 'metadata' | 'deviceName' | 'environment']?:
    Session[name] | undefined;
};

/** The columns that a description writes; the organisation is $5. */
const DESCRIBED: readonly (readonly [column: string, type: string, name: keyof SessionEdits])[] = [
  ['organization_id', 'bigint', 'organizationId'],
  ['name', 'text', 'name'],
  ['note', 'text', 'note'],
  ['metadata', 'jsonb', 'metadata'],
  ['device_name', 'text', 'deviceName'],
  ['environment', 'text', 'environment'],
];

const BY_TOKEN = recognising('session_by_token', 's.token_hash = $1');
const BY_JWT = recognising(
  'session_by_jwt',
  `s.id = $1
   AND EXISTS (SELECT FROM signing_keys k WHERE k.kid = $2 AND (k.retires_at IS NULL OR k.retires_at > $3))`,
);

/** A statement that recognises a caller as a whole, or briefly. */
function recognising(name: string, where: string) {
  const from = `FROM sessions s JOIN users u ON u.id = s.user_id WHERE ${where}`;
  return {
    whole: { name, text: `SELECT ${SESSION_AND_USER.select(null)} ${from}` },
    brief: { name: `${name}_briefly`, text: `SELECT ${BRIEF.select(null)} ${from}` },
  };
}

/** How a live session can come to its end by someone's will. */
export type EndStatus = 'ended' | 'removed' | 'revoked';

/** Whose sessions a statement may touch: one user's, or everybody's. */
export type Scope = { readonly userId: string } | 'everyone';

/**
 * SQL on one session at a time that is there, and lists of them; what adds one is in openings.store.ts, what changes
 * many at once in sweeps.store.ts.
 */
@Injectable()
export class SessionsStore {
  constructor(
    private readonly database: DataSource,
    private readonly replica: Replica,
  ) {}

  /** The session of a token, in whatever state, with its user: the one statement of an authenticated request. */
  async findByTokenHash(tokenHash: Buffer, briefly: boolean): Promise<BriefSession | null> {
    const { name, text } = briefly ? BY_TOKEN.brief : BY_TOKEN.whole;
    const rows = await prepared<Record<string, unknown>>(this.database, name, text, [tokenHash]);
    return asOwnedSession(rows[0]);
  }

  /** The session a JWT speaks of, unless the key that signed it was retired: so a retired key ends its JWTs at once. */
  async findByJwt(id: string, kid: string, now: Date, briefly: boolean): Promise<BriefSession | null> {
    const { name, text } = briefly ? BY_JWT.brief : BY_JWT.whole;
    const rows = await prepared<Record<string, unknown>>(this.database, name, text, [id, kid, now]);
    return asOwnedSession(rows[0]);
  }

  /** A session in whatever state, once it names its user. */
  async find(id: string): Promise<Session | null> {
    const rows = await prepared<Session>(
      this.database,
      'session_by_id',
      `SELECT ${SESSION} FROM sessions s WHERE s.id = $1 AND s.user_id IS NOT NULL`,
      [id],
    );
    return asSession(rows[0]);
  }

  /** A live session within the scope, with its user. */
  async findLive(id: string, scope: Scope, now: Date): Promise<OwnedSession | null> {
    const rows = await prepared<Record<string, unknown>>(
      this.database,
      'session_live_by_id',
      `SELECT ${SESSION}, ${OWNER} FROM sessions s JOIN users u ON u.id = s.user_id
       WHERE ${LIVE} AND s.id = $2 AND ($3::bigint IS NULL OR s.user_id = $3)`,
      [now, id, scopeId(scope)],
    );
    return asOwnedSession(rows[0]);
  }

  /**
   * The live sessions that the page keeps.
   * @param outline what is read of them
   * @param owner whose all of them are, where that is known: then their user is not read with each of them
   * @param mark of who asks, for the replica
   */
  async list<S extends SessionColumn, U extends UserColumn>(
    page: Page,
    scope: Scope,
    outline: Outline<S, U>,
    owner: User | null,
    now: Date,
    mark: SessionMark | null,
  ): Promise<Slice<OutlinedSession<S, U>>> {
    const joined = { alias: 's', joins: 'JOIN users u ON u.id = s.user_id' };
    const slice = await this.replica.read(mark, (runner) =>
      selectPage<Record<string, unknown>>({
        runner,
        columns: LISTED,
        page,
        select: outline.select(owner),
        from: 'sessions s',
        ...(outline.readsUsers(owner) ? { beside: joined } : {}),
        where: scope === 'everyone' ? LIVE : `${LIVE} AND s.user_id = $2`,
        values: scope === 'everyone' ? [now] : [now, scope.userId],
      }),
    );
    return { ...slice, rows: slice.rows.map((row) => asOutlined(outline, row, owner)) };
  }

  /** Counts a code against a pending session before it is looked at; false when it has no tries or no time left. */
  async countOtpAttempt(id: string, openedAfter: Date): Promise<boolean> {
    const rows = await prepared(
      this.database,
      'session_count_otp_attempt',
      `UPDATE sessions SET otp_attempts = otp_attempts + 1
       WHERE id = $1 AND status = 'pending_otp' AND otp_attempts < ${MAX_OTP_ATTEMPTS} AND created_at > $2
       RETURNING id`,
      [id, openedAfter],
    );
    return rows.length === 1;
  }

  /** Keeps a session from ending until the transaction ends. @returns false when it is not live */
  async hold(manager: EntityManager, id: string, now: Date): Promise<boolean> {
    const statement = `SELECT FROM sessions s WHERE ${LIVE} AND s.id = $2 FOR SHARE`;
    return (await prepared(manager, 'session_hold', statement, [now, id])).length === 1;
  }

  /**
   * Makes a pending session active under a new token, if its user's credentials are still the ones checked. It lives as
   * long from then on as it is bounded to by then, or until `expiresAt`.
   * @param change with `oldTokenHash`, null where the password stands for the token
   */
  async promote(
    manager: EntityManager,
    id: string,
    credentialsVersion: number,
    change: {
      oldTokenHash: Buffer | null;
      tokenHash: Buffer;
      now: Date;
      expiresAt: Date;
      factor: 'totp' | 'recovery_code';
      passwordProved: boolean;
    },
  ): Promise<Session | null> {
    const rows = await prepared<Session>(
      manager,
      'session_promote',
      `WITH owner AS (
         SELECT u.id FROM users u JOIN sessions p ON p.user_id = u.id
         WHERE p.id = $1 AND u.status = 'active' AND u.credentials_version = $2 FOR SHARE OF u)
       UPDATE sessions s SET status = 'active', token_hash = $3, otp_verified_at = $4, last_activity_at = $4,
         totp_verified_at = CASE WHEN $6 = 'totp' THEN $4 ELSE totp_verified_at END,
         recovery_code_verified_at = CASE WHEN $6 = 'recovery_code' THEN $4 ELSE recovery_code_verified_at END,
         password_verified_at = CASE WHEN $7 THEN $4 ELSE password_verified_at END,
         first_factor_verified_at = CASE WHEN $7 THEN $4 ELSE first_factor_verified_at END,
         expires_at = coalesce($4::timestamptz + make_interval(secs => s.lifetime_seconds), $5),
         version = version + 1, changed_at = $4
       FROM owner WHERE s.id = $1 AND s.user_id = owner.id AND s.status = 'pending_otp'
         AND ($7 OR s.password_verified_at IS NOT NULL) AND ($8::bytea IS NULL OR s.token_hash = $8)
       RETURNING ${SESSION}`,
      [
        id,
        credentialsVersion,
        change.tokenHash,
        change.now,
        change.expiresAt,
        change.factor,
        change.passwordProved,
        change.oldTokenHash,
      ],
    );
    return asSession(rows[0]);
  }

  /**
   * Describes a live session anew; what is undefined keeps the value that it has by then. Null when it is not live and
   * within the scope, or an organisation is named that its user is no member of.
   */
  async describe(
    manager: EntityManager,
    id: string,
    scope: Scope,
    description: SessionEdits,
    now: Date,
  ): Promise<Session | null> {
    const changed = DESCRIBED.map(
      ([column, type], index) =>
        `${column} = CASE WHEN $${4 + 2 * index} THEN $${5 + 2 * index}::${type} ELSE s.${column} END`,
    );
    const values = DESCRIBED.map(([, , name]) => description[name]);
    const rows = await prepared<Session>(
      manager,
      'session_describe',
      // The membership cannot end before the session says that it acts for it, and then is told of the end.
      `WITH member AS (
         SELECT FROM memberships m JOIN sessions t ON t.user_id = m.user_id
         WHERE t.id = $2 AND m.organization_id = $5 FOR SHARE OF m)
       UPDATE sessions s SET ${changed.join(', ')}, version = version + 1, changed_at = $1
       WHERE ${LIVE} AND s.id = $2 AND ($3::bigint IS NULL OR s.user_id = $3)
         AND ($5::bigint IS NULL OR EXISTS (SELECT FROM member))
       RETURNING ${SESSION}`,
      [now, id, scopeId(scope), ...values.flatMap((value) => [value !== undefined, value])],
    );
    return asSession(rows[0]);
  }

  /**
   * Ends a live session within the scope.
   * @returns it as it is then, with its user, for exactly one caller; null for all others
   */
  async end(
    manager: EntityManager,
    id: string,
    scope: Scope,
    status: EndStatus,
    now: Date,
  ): Promise<OwnedSession | null> {
    const rows = await prepared<Record<string, unknown>>(
      manager,
      'session_end',
      `UPDATE sessions s SET status = $4, ended_at = $1, version = version + 1, changed_at = $1
       FROM users u
       WHERE ${LIVE} AND s.id = $2 AND ($3::bigint IS NULL OR s.user_id = $3) AND u.id = s.user_id
       RETURNING ${SESSION}, ${OWNER}`,
      [now, id, scopeId(scope), status],
    );
    return asOwnedSession(rows[0]);
  }

  /** Gives up a pending session. @returns it as it is then, for exactly one caller; null for all others */
  async endPending(manager: EntityManager, id: string, now: Date): Promise<Session | null> {
    const rows = await prepared<Session>(
      manager,
      'session_end_pending',
      `UPDATE sessions s SET status = 'ended', ended_at = $2, version = version + 1, changed_at = $2
       WHERE s.id = $1 AND s.status = 'pending_otp' RETURNING ${SESSION}`,
      [id, now],
    );
    return asSession(rows[0]);
  }
}

/** The id that a scope is limited to, as a parameter of a statement. */
export function scopeId(scope: Scope): string | null {
  return scope === 'everyone' ? null : scope.userId;
}
