import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import type { User } from '../users/user.entity.js';
import { asOwnedSession, OWNER, SESSION, type OwnedSession } from './session.rows.js';
import type { SignInAttempt } from './sign-in-attempt.entity.js';

const ATTEMPT = `a.id, a.browser_id AS "browserId", a.identifier, a.session_id AS "sessionId", a.status,
  a.created_at AS "createdAt", a.updated_at AS "updatedAt", a.expires_at AS "expiresAt"`;

/** Signing in, as far as it came. */
export interface SignInView {
  readonly attempt: SignInAttempt;
  /** Null until the password is proved: nothing may tell who exists. */
  readonly user: User | null;
}

/** A new attempt, in the browser whose credential it is asked for with. */
interface AttemptDraft {
  readonly browserId: string;
  readonly tokenHash: Buffer;
  readonly identifier: string;
  readonly status: SignInAttempt['status'];
  readonly sessionId: string | null;
  readonly now: Date;
  readonly expiresAt: Date;
}

/** How an attempt gets on. */
export interface Step {
  readonly from: SignInAttempt['status'];
  readonly to: SignInAttempt['status'];
  readonly sessionId: string;
  readonly now: Date;
}

/**
 * All SQL on `sign_in_attempts`, but for the newest one of a browser, which is read with what the browser holds, and
 * for the removal of old ones (`RetentionStore`).
 */
@Injectable()
export class SignInAttemptsStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Adds an attempt in the place of the browser's earlier ones, which so do not pile up.
   * @returns null when the credential is not the browser's any more
   */
  async replace(draft: AttemptDraft, manager?: EntityManager): Promise<SignInAttempt | null> {
    const runner = manager ?? this.database;
    const drop = 'DELETE FROM sign_in_attempts WHERE browser_id = $1';
    await prepared(runner, 'sign_in_attempts_drop', drop, [draft.browserId]);
    const [attempt] = await prepared<SignInAttempt>(
      runner,
      'sign_in_attempt_insert',
      `INSERT INTO sign_in_attempts AS a
         (browser_id, identifier, status, session_id, created_at, updated_at, expires_at)
       SELECT b.id, $3, $4, $5::bigint, $6::timestamptz, $6::timestamptz, $7::timestamptz
       FROM browsers b WHERE b.id = $1 AND b.token_hash = $2 FOR KEY SHARE OF b
       RETURNING ${ATTEMPT}`,
      [
        draft.browserId,
        draft.tokenHash,
        draft.identifier,
        draft.status,
        draft.sessionId,
        draft.now,
        draft.expiresAt,
      ],
    );
    return attempt ?? null;
  }

  async find(browserId: string, id: string): Promise<SignInAttempt | null> {
    const rows = await prepared<SignInAttempt>(
      this.database,
      'sign_in_attempt_by_id',
      `SELECT ${ATTEMPT} FROM sign_in_attempts a WHERE a.id = $1 AND a.browser_id = $2`,
      [id, browserId],
    );
    return rows[0] ?? null;
  }

  /** An attempt with its user, once the password is proved. */
  async withUser(attempt: SignInAttempt): Promise<SignInView> {
    const session = attempt.sessionId === null ? null : await this.sessionOf(attempt.sessionId);
    return { attempt, user: session?.user ?? null };
  }

  /** The session that came of an attempt, in whatever state. */
  async sessionOf(sessionId: string): Promise<OwnedSession | null> {
    const [row] = await prepared<Record<string, unknown>>(
      this.database,
      'sign_in_attempt_session',
      `SELECT ${SESSION}, ${OWNER} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1`,
      [sessionId],
    );
    return asOwnedSession(row);
  }

  /** Takes one step; false when the attempt is not there, somewhere else, or expired by now. */
  async advance(manager: EntityManager, id: string, { from, to, sessionId, now }: Step): Promise<boolean> {
    const rows = await prepared(
      manager,
      'sign_in_attempt_advance',
      `UPDATE sign_in_attempts SET status = $3, session_id = $4, updated_at = $5
       WHERE id = $1 AND status = $2 AND expires_at > $5 RETURNING id`,
      [id, from, to, sessionId, now],
    );
    return rows.length === 1;
  }
}
