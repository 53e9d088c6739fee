import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';

/** One key that attempts are counted under, and how many may be counted before it is shut. */
export interface CountedKey {
  readonly key: string;
  readonly most: number;
}

/** What stands against a key once an attempt is counted. */
export interface Count {
  /** Whether it is past its most. */
  readonly isShut: boolean;
  /** Until its window ends, and all of it is forgotten. */
  readonly millisecondsLeft: number;
}

/** PostgreSQL's own time, in milliseconds since 1970: all instances have the same. */
const NOW = '(extract(epoch FROM statement_timestamp()) * 1000)::bigint';

/**
 * All SQL on `attempts`, which has no entity: `key` (a hash), `points` counted so far, and `expire`, when the window is
 * over (milliseconds since 1970; no index: a row lives for minutes). The columns are as rate-limiter-flexible made them.
 *
 * A statement locks its rows in the order in which the keys are given. The keys of a guard are each of another kind,
 * the widest first, and no text is a key of two kinds: so guards do not wait for each other in a circle.
 *
 * `Attempts` counts by it. What removes old rows, and QA_MODE's clock, hold it too: nothing is to be decided there.
 */
@Injectable()
export class AttemptsStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Counts one attempt under each key in turn, and under none that follows one which is past its most.
   * @param keys all of them different
   * @returns the counts in that order, as far as it came
   */
  async count(keys: readonly CountedKey[], windowMilliseconds: number): Promise<Count[]> {
    if (new Set(keys.map(({ key }) => key)).size < keys.length) throw new Error('one attempt, one key twice');
    return prepared<Count>(this.database, `attempts_count_${keys.length}`, countingOf(keys.length), [
      windowMilliseconds,
      ...keys.flatMap(({ key, most }) => [key, most]),
    ]);
  }

  /** Takes one attempt back under each key, or forgets all of them. */
  async takeBack(keys: readonly { readonly key: string; readonly isForgotten: boolean }[]): Promise<void> {
    await prepared(
      this.database,
      'attempts_take_back',
      // A crash of PostgreSQL may leave one attempt too many: no need to wait for the disk.
      `WITH held AS MATERIALIZED (
         SELECT a.key, given.is_forgotten, set_config('synchronous_commit', 'off', true)
         FROM unnest($1::text[], $2::boolean[]) WITH ORDINALITY given (key, is_forgotten, place)
         JOIN attempts a ON a.key = given.key
         ORDER BY given.place FOR UPDATE OF a),
       forgotten AS (DELETE FROM attempts a USING held WHERE a.key = held.key AND held.is_forgotten)
       UPDATE attempts a SET points = greatest(a.points - 1, 0)
       FROM held WHERE a.key = held.key AND NOT held.is_forgotten`,
      [keys.map(({ key }) => key), keys.map(({ isForgotten }) => isForgotten)],
    );
  }

  /** Removes counters whose window has been over for so long. @returns how many, at most so many */
  async removeExpired(manager: EntityManager, milliseconds: number, most: number): Promise<number> {
    const rows = await prepared(
      manager,
      'attempts_remove_expired',
      `DELETE FROM attempts WHERE key IN (
         SELECT key FROM attempts WHERE expire <= ${NOW} - $1::bigint LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING key`,
      [Math.round(milliseconds), most],
    );
    return rows.length;
  }

  /** Lets so much of every window pass; a negative time gives it back. For QA_MODE, whose clock PostgreSQL has not. */
  async letPass(milliseconds: number): Promise<void> {
    await this.database.transaction(async (manager) => {
      await manager.query('LOCK TABLE attempts IN EXCLUSIVE MODE'); // or its rows are locked in some order of their own
      await manager.query('UPDATE attempts SET expire = expire - $1::bigint', [Math.round(milliseconds)]);
    });
  }
}

/** The statement that counts under so many keys: each is an INSERT out of the count before it. */
function countingOf(keys: number): string {
  const places = Array.from({ length: keys }, (_, place) => place);
  const counts = places.map((place) => {
    const [key, most] = [`$${2 * place + 2}`, `$${2 * place + 3}`];
    return `count_${place} AS (
      INSERT INTO attempts AS a (key, points, expire)
      SELECT ${key}, 1, ${NOW} + $1::bigint ${place === 0 ? '' : `FROM count_${place - 1} WHERE NOT is_shut`}
      ON CONFLICT (key) DO UPDATE SET
        points = CASE WHEN a.expire > ${NOW} THEN greatest(a.points, 0) + 1 ELSE 1 END,
        expire = CASE WHEN a.expire > ${NOW} THEN a.expire ELSE excluded.expire END
      RETURNING points > ${most}::integer AS is_shut, (expire - ${NOW})::float8 AS left_over)`;
  });
  const shown = places.map(
    (place) =>
      `SELECT ${place} AS place, is_shut AS "isShut", left_over AS "millisecondsLeft" FROM count_${place}`,
  );
  return `WITH ${counts.join(',\n')}\n${shown.join(' UNION ALL ')} ORDER BY place`;
}
