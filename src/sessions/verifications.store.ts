import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import type { User } from '../users/user.entity.js';
import type { Session } from './session.entity.js';
import { asSession, LIVE, OWNER, SESSION, withUser, type OwnedSession } from './session.rows.js';
import {
  MAX_VERIFICATION_ATTEMPTS,
  Verification,
  type Factor,
  type Level,
  type Strategy,
} from './verification.entity.js';

/** A verification with its session, and that session's user. */
export type VerificationOfSession = Verification & { session: OwnedSession };

const VERIFICATION = `v.id AS "v_id", v.session_id AS "v_sessionId", v.level AS "v_level",
  v.credentials_version AS "v_credentialsVersion", v.attempts AS "v_attempts",
  v.first_strategy AS "v_firstStrategy", v.first_verified_at AS "v_firstVerifiedAt",
  v.second_strategy AS "v_secondStrategy", v.second_verified_at AS "v_secondVerifiedAt",
  v.created_at AS "v_createdAt", v.expires_at AS "v_expiresAt",
  CASE WHEN v.status NOT IN ('needs_first_factor', 'needs_second_factor') THEN v.status
    WHEN v.attempts >= ${MAX_VERIFICATION_ATTEMPTS} THEN 'failed'
    WHEN v.expires_at <= $1 THEN 'expired' ELSE v.status END AS "v_status"`;

const STATUS = { first: 'needs_first_factor', second: 'needs_second_factor' } as const;

/** A verification that takes proofs of a factor at $1. */
const TAKES = (factor: Factor) => `v.id = $2 AND v.status = '${STATUS[factor]}' AND v.expires_at > $1`;

/** The stamp that each way to prove a factor leaves on a session. */
const STAMPS: Readonly<Record<Strategy | Factor, string>> = {
  password: 'password_verified_at',
  email_code: 'email_code_verified_at',
  sms_code: 'sms_code_verified_at',
  totp: 'totp_verified_at',
  recovery_code: 'recovery_code_verified_at',
  first: 'first_factor_verified_at',
  second: 'otp_verified_at',
};

/**
 * All SQL on `verifications` but the removal of old ones (`RetentionStore`), and the stamps that they leave on sessions.
 * The session is locked before them.
 */
@Injectable()
export class VerificationsStore {
  constructor(private readonly database: DataSource) {}

  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.transaction(work);
  }

  /** A verification of a live session of the user. */
  async find(id: string, userId: string, now: Date): Promise<VerificationOfSession | null> {
    const rows = await prepared<Record<string, unknown>>(
      this.database,
      'verification_find',
      `SELECT ${VERIFICATION}, ${SESSION}, ${OWNER}
       FROM verifications v JOIN sessions s ON s.id = v.session_id JOIN users u ON u.id = s.user_id
       WHERE ${LIVE} AND v.id = $2 AND s.user_id = $3`,
      [now, id, userId],
    );
    return asVerification(rows[0]);
  }

  /** The newest verification of a live session of the user. */
  async findNewest(sessionId: string, userId: string, now: Date): Promise<VerificationOfSession | null> {
    const rows = await prepared<Record<string, unknown>>(
      this.database,
      'verification_newest',
      `SELECT ${VERIFICATION}, ${SESSION}, ${OWNER}
       FROM verifications v JOIN sessions s ON s.id = v.session_id JOIN users u ON u.id = s.user_id
       WHERE ${LIVE} AND s.id = $2 AND s.user_id = $3 ORDER BY v.id DESC LIMIT 1`,
      [now, sessionId, userId],
    );
    return asVerification(rows[0]);
  }

  /** Opens a verification in a live browser session of a user, in the place of the one that was open. */
  async open(
    manager: EntityManager,
    sessionId: string,
    user: User,
    { level, awaits, now, expiresAt }: { level: Level; awaits: Factor; now: Date; expiresAt: Date },
  ): Promise<string | null> {
    // The user before the session, as a change of credentials locks them; the session keeps other openings waiting.
    const sessions = await prepared(
      manager,
      'verification_lock_session',
      `WITH owner AS (
         SELECT id FROM users WHERE id = $3 AND status = 'active' AND credentials_version = $4 FOR SHARE)
       SELECT s.id FROM sessions s JOIN owner ON owner.id = s.user_id
       WHERE ${LIVE} AND s.id = $2 AND NOT s.machine FOR NO KEY UPDATE OF s`,
      [now, sessionId, user.id, user.credentialsVersion],
    );
    if (sessions.length === 0) return null;
    await prepared(
      manager,
      'verification_replace',
      `UPDATE verifications SET status = 'replaced'
       WHERE session_id = $1 AND status IN ('needs_first_factor', 'needs_second_factor')`,
      [sessionId],
    );
    const rows = await prepared<{ id: string }>(
      manager,
      'verification_open',
      `INSERT INTO verifications (session_id, level, status, credentials_version, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
      [sessionId, level, STATUS[awaits], user.credentialsVersion, now, expiresAt],
    );
    return rows[0]?.id ?? null;
  }

  /** Notes how a factor is going to be proved; it then has as much time as the code that was sent. */
  async prepare(
    runner: EntityManager | null,
    id: string,
    factor: Factor,
    strategy: Strategy,
    { now, expiresAt }: { now: Date; expiresAt: Date },
  ): Promise<void> {
    await prepared(
      runner ?? this.database,
      `verification_prepare_${factor}`,
      `UPDATE verifications v SET ${factor}_strategy = $3, expires_at = greatest(expires_at, $4)
       WHERE ${TAKES(factor)}`,
      [now, id, strategy, expiresAt],
    );
  }

  /** Counts a try before it is looked at. @returns how many there were with it; null when it takes no more */
  async countAttempt(id: string, factor: Factor, strategy: Strategy, now: Date): Promise<number | null> {
    const rows = await prepared<{ attempts: number }>(
      this.database,
      `verification_count_attempt_${factor}`,
      `UPDATE verifications v SET attempts = attempts + 1, ${factor}_strategy = $3
       WHERE ${TAKES(factor)} AND attempts < ${MAX_VERIFICATION_ATTEMPTS} RETURNING attempts`,
      [now, id, strategy],
    );
    return rows[0]?.attempts ?? null;
  }

  /** Takes back the count of a try that was not looked at. */
  async uncountAttempt(id: string): Promise<void> {
    await prepared(
      this.database,
      'verification_uncount_attempt',
      'UPDATE verifications SET attempts = attempts - 1 WHERE id = $1 AND attempts > 0',
      [id],
    );
  }

  /** Gives up a verification whose last try was wrong. */
  async fail(id: string): Promise<void> {
    await prepared(
      this.database,
      'verification_fail',
      `UPDATE verifications SET status = 'failed'
       WHERE id = $1 AND status IN ('needs_first_factor', 'needs_second_factor')`,
      [id],
    );
  }

  /** Stamps a proof on a live browser session, if its user's credentials are still the ones that were checked. */
  async stamp(
    manager: EntityManager,
    sessionId: string,
    user: User,
    { factor, strategy, now }: { factor: Factor; strategy: Strategy; now: Date },
  ): Promise<Session | null> {
    const rows = await prepared<Session>(
      manager,
      `session_stamp_${strategy}_${factor}`,
      `WITH owner AS (
         SELECT id FROM users WHERE id = $3 AND status = 'active' AND credentials_version = $4 FOR SHARE)
       UPDATE sessions s SET ${STAMPS[strategy]} = $1, ${STAMPS[factor]} = $1, version = version + 1, changed_at = $1
       FROM owner WHERE s.id = $2 AND s.user_id = owner.id AND ${LIVE} AND NOT s.machine
       RETURNING ${SESSION}`,
      [now, sessionId, user.id, user.credentialsVersion],
    );
    return asSession(rows[0]);
  }

  /**
   * Notes that a factor was proved and takes its try back from the count.
   * @param awaits what has to be proved next; null when that was all
   * @returns false when it takes no proof of this factor any more
   */
  async advance(
    manager: EntityManager,
    id: string,
    { factor, awaits, now }: { factor: Factor; awaits: Factor | null; now: Date },
  ): Promise<boolean> {
    const rows = await prepared(
      manager,
      `verification_advance_${factor}`,
      `UPDATE verifications v SET ${factor}_verified_at = $1, status = $3, attempts = greatest(attempts - 1, 0)
       WHERE ${TAKES(factor)} RETURNING v.id`,
      [now, id, awaits === null ? 'complete' : STATUS[awaits]],
    );
    return rows.length === 1;
  }
}

function asVerification(row: Record<string, unknown> | undefined): VerificationOfSession | null {
  if (row === undefined) return null;
  const own = Object.entries(row).filter(([name]) => name.startsWith('v_'));
  const rest = Object.entries(row).filter(([name]) => !name.startsWith('v_'));
  const session = withUser(Object.fromEntries(rest));
  const verification = Object.fromEntries(own.map(([name, value]) => [name.slice(2), value]));
  return Object.assign(new Verification(), verification, { session });
}
