import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { SessionMark } from '../caller.js';
import { prepared } from '../database/prepared.js';
import { Replica } from '../database/replica.js';
import { selectPage } from '../database/select-page.js';
import type { Page, Slice } from '../page.js';
import type { User } from '../users/user.entity.js';
import type { Composed } from './composition.js';
import type { Outline, OutlinedSession, SessionColumn, UserColumn } from './session.columns.js';
import { MAX_OTP_ATTEMPTS, type Session } from './session.entity.js';
import { asOutlined, asSession, LISTED, LIVE, OWNER, SESSION, withUserIfNamed } from './session.rows.js';

/** A session with its user; without one while it names nobody. */
export type ComposedSession = Session & { user?: User };

/** What is looked at once more of a user whose row is locked. */
export type LockedUser = Pick<User, 'id' | 'status' | 'rights' | 'credentialsVersion' | 'twoFactorAuth'>;

/** SQL on sessions that are put together proof by proof, and on those that one user opened for another. */
@Injectable()
export class ComposedSessionsStore {
  constructor(
    private readonly database: DataSource,
    private readonly replica: Replica,
  ) {}

  /** A session in whatever state, whether or not it names its user yet. */
  async find(id: string): Promise<ComposedSession | null> {
    const rows = await prepared<Record<string, unknown>>(
      this.database,
      'composed_session_by_id',
      `SELECT ${SESSION}, ${OWNER} FROM sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.id = $1`,
      [id],
    );
    return rows[0] === undefined ? null : withUserIfNamed(rows[0]);
  }

  /**
   * The sessions that the page keeps: live ones of the user's own and of their opening, or everybody's; and the
   * pending ones that the user opened.
   * @param outline what is read of them
   * @param known the user whose own sessions get this very object, while nobody else's user is read; null reads all
   * @param openedAfter what was opened before is pending no more
   * @param mark of who asks, for the replica
   */
  async list<S extends SessionColumn, U extends UserColumn>(
    page: Page,
    { userId, everyone }: { userId: string; everyone: boolean },
    outline: Outline<S, U>,
    known: User | null,
    now: Date,
    openedAfter: Date,
    mark: SessionMark | null,
  ): Promise<Slice<OutlinedSession<S, U>>> {
    const pending = `s.status = 'pending_otp' AND s.created_at > $3 AND s.otp_attempts < ${MAX_OTP_ATTEMPTS}`;
    const own = [
      `s.status = 'active' AND s.user_id = $2`,
      `s.status IN ('active', 'pending_otp') AND s.creator_id = $2 AND (s.status = 'pending_otp' OR s.user_id <> $2)`,
    ];
    const joins = outline.readsUsers(known) ? 'LEFT JOIN users u ON u.id = s.user_id' : '';
    const slice = await this.replica.read(mark, (runner) =>
      selectPage<Record<string, unknown>>({
        runner,
        columns: LISTED,
        page,
        select: outline.select(known),
        from: 'sessions s',
        beside: { alias: 's', joins },
        where: `(${LIVE}) OR (${pending} AND s.creator_id = $2)`,
        values: [now, userId, openedAfter],
        ...(everyone ? {} : { apart: own }),
      }),
    );
    return { ...slice, rows: slice.rows.map((row) => asOutlined(outline, row, known)) };
  }

  /** Keeps users from changing until the transaction ends, and reads what may have changed about them. */
  async lockUsers(manager: EntityManager, ids: readonly string[]): Promise<LockedUser[]> {
    return prepared<LockedUser>(
      manager,
      'composed_session_lock_users',
      `SELECT id, status, rights, credentials_version AS "credentialsVersion", two_factor_auth AS "twoFactorAuth"
       FROM users WHERE id = ANY ($1::bigint[]) ORDER BY id FOR SHARE`,
      [ids],
    );
  }

  /**
   * Keeps the session that asks from ending until the transaction ends, and the one that is set from changing; two
   * of them in the order of their ids, as everywhere.
   * @returns both as they are now; null for one that is not there
   */
  async lockSessions(
    manager: EntityManager,
    askingId: string,
    setId: string | null,
  ): Promise<{ asking: Session | null; set: Session | null }> {
    if (setId === null || setId === askingId) {
      const asking = await this.lock(manager, askingId, setId === null ? 'SHARE' : 'UPDATE');
      return { asking, set: setId === null ? null : asking };
    }
    if (BigInt(setId) < BigInt(askingId)) {
      const set = await this.lock(manager, setId, 'UPDATE');
      return { set, asking: await this.lock(manager, askingId, 'SHARE') };
    }
    const asking = await this.lock(manager, askingId, 'SHARE');
    return { asking, set: await this.lock(manager, setId, 'UPDATE') };
  }

  /** Writes what a composition made of a locked session, under a new token. */
  async update(
    manager: EntityManager,
    id: string,
    row: Composed & { tokenHash: Buffer; expiresAt: Date | null; now: Date },
  ): Promise<Session> {
    const rows = await prepared<Session>(
      manager,
      'composed_session_update',
      `UPDATE sessions s SET status = $2, user_id = $3, token_hash = $4, user_verified_at = $5,
         password_verified_at = $6, email_code_verified_at = $7, sms_code_verified_at = $8, totp_verified_at = $9,
         recovery_code_verified_at = $10, first_factor_verified_at = $11, otp_verified_at = $12, metadata = $13,
         lifetime_seconds = $14, expires_at = $15, last_activity_at = $16, version = version + 1, changed_at = $16
       WHERE s.id = $1 RETURNING ${SESSION}`,
      [
        id,
        row.status,
        row.userId,
        row.tokenHash,
        row.userVerifiedAt,
        row.passwordVerifiedAt,
        row.emailCodeVerifiedAt,
        row.smsCodeVerifiedAt,
        row.totpVerifiedAt,
        row.recoveryCodeVerifiedAt,
        row.firstFactorVerifiedAt,
        row.secondFactorVerifiedAt,
        row.metadata,
        row.lifetimeSeconds,
        row.expiresAt,
        row.now,
      ],
    );
    return asSession(rows[0])!;
  }

  private async lock(manager: EntityManager, id: string, mode: 'SHARE' | 'UPDATE'): Promise<Session | null> {
    const rows = await prepared<Session>(
      manager,
      `composed_session_lock_${mode.toLowerCase()}`,
      `SELECT ${SESSION} FROM sessions s WHERE s.id = $1 FOR ${mode}`,
      [id],
    );
    return asSession(rows[0]);
  }
}
