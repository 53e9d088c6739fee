import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';

/** Advisory lock of this database: whoever removes what is old holds it, for one piece of work at a time. */
const REMOVING = '19563, 4';

/** Over at $1: ended, expired, or never completed before that moment. What may come back to life is none of these. */
const OVER = `(s.status NOT IN ('active', 'pending_otp') AND coalesce(s.ended_at, s.changed_at) < $1
  OR s.status = 'pending_otp' AND s.created_at < $1
  OR s.status = 'active' AND s.expires_at < $1)`;

/** Later than now, $2, by more than clocks differ. */
const isInFuture = (column: string) => `${column} > $2::timestamptz + interval '1 minute'`;

/** When a run may begin, or go on. */
export interface Turn {
  /** A name for the run that no other has. */
  readonly run: string;
  readonly now: Date;
  /** A run that did nothing since is taken for dead, and this one goes on where it stopped. */
  readonly deadSince: Date;
  /** When a run was finished since, there is nothing to be done; null to run all the same. */
  readonly finishedSince: Date | null;
}

/** SQL of the removal of sessions and of what belongs to them, and of whose turn it is to remove what is old. */
@Injectable()
export class RetentionStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Does a piece of a run in one transaction, while no other instance does one.
   * @param work is given how far the sessions have been looked at
   * @returns null, with nothing done, when it is another run's turn, or nobody's for now
   */
  async inTurn<T>(
    { run, now, deadSince, finishedSince }: Turn,
    work: (manager: EntityManager, sessionPlace: string) => Promise<T>,
  ): Promise<T | null> {
    return this.database.transaction(async (manager) => {
      // What a crash brings back is removed by the next run: no need to wait for the disk.
      await manager.query('SET LOCAL synchronous_commit = off');
      const [lock] = await prepared<{ granted: boolean }>(
        manager,
        'retention_lock',
        `SELECT pg_try_advisory_xact_lock(${REMOVING}) AS granted`,
        [],
      );
      if (!lock?.granted) return null;
      const [turn] = await prepared<{ place: string }>(
        manager,
        'retention_turn',
        // What is said of the future was said by a clock that has been put back since.
        `UPDATE retention SET run = $1, worked_at = $2
         WHERE run = $1 OR (
           (run IS NULL OR worked_at <= $3 OR ${isInFuture('worked_at')})
           AND (finished_at IS NULL OR $4::timestamptz IS NULL OR finished_at <= $4 OR ${isInFuture('finished_at')}))
         RETURNING session_place AS place`,
        [run, now, deadSince, finishedSince],
      );
      return turn === undefined ? null : work(manager, turn.place);
    });
  }

  /** Lets any run go on from here. @param finishedAt null when there is still something to be done */
  async leave(run: string, finishedAt: Date | null): Promise<void> {
    await prepared(
      this.database,
      'retention_leave',
      `UPDATE retention SET run = NULL, finished_at = coalesce($2, finished_at),
         session_place = CASE WHEN $2::timestamptz IS NULL THEN session_place ELSE 0 END
       WHERE run = $1`,
      [run, finishedAt],
    );
  }

  /**
   * Looks at the next sessions in the order of their ids and removes those that were over before a moment, with their
   * verifications and sign-ins; what somebody works on is left for the next run.
   * @param most how many to look at
   * @returns how many went, and whether there are more to look at that may be old enough
   */
  async removeSessions(
    manager: EntityManager,
    place: string,
    before: Date,
    most: number,
  ): Promise<{ removed: number; more: boolean }> {
    const [piece] = await prepared<{ removed: number; looked: number; old: number; place: string | null }>(
      manager,
      'sessions_remove',
      `WITH looked AS MATERIALIZED (
         SELECT id, created_at FROM sessions WHERE id > $2 ORDER BY id LIMIT $3),
       over AS (
         SELECT s.id FROM sessions s WHERE s.id IN (SELECT id FROM looked) AND ${OVER}
         ORDER BY s.id FOR UPDATE SKIP LOCKED),
       removed AS (DELETE FROM sessions s USING over WHERE s.id = over.id RETURNING s.id)
       SELECT (SELECT count(*)::int FROM removed) AS removed, max(id) AS place, count(*)::int AS looked,
         count(*) FILTER (WHERE created_at < $1)::int AS old
       FROM looked`,
      [before, place, most],
    );
    const { removed = 0, looked = 0, old = 0, place: reached = null } = piece ?? {};
    if (reached !== null) {
      await prepared(manager, 'retention_place', 'UPDATE retention SET session_place = $1', [reached]);
    }
    // Ids grow with time: behind so many that were opened since, nothing was over before.
    return { removed, more: looked === most && old > 0 };
  }

  /** Removes the oldest rows of a table, if they expired before a moment. @returns how many, at most so many */
  async removeExpired(
    manager: EntityManager,
    table: 'sign_in_attempts' | 'verifications',
    before: Date,
    most: number,
  ): Promise<number> {
    const rows = await prepared(
      manager,
      `${table}_remove_expired`,
      // By their ids, which grow with time: there is no index on the expiry.
      `DELETE FROM ${table} WHERE id IN (
         SELECT id FROM (SELECT id, expires_at FROM ${table} ORDER BY id LIMIT $2) oldest
         WHERE expires_at < $1)
       RETURNING id`,
      [before, most],
    );
    return rows.length;
  }
}
