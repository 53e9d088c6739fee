import pg from 'pg';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';
import { poolOf } from './pool-use.js';

/**
 * Runs a named prepared statement on TypeORM's pool: PostgreSQL parses it once for each connection.
 * @param runner the pool, or a transaction's manager
 * @param name one name for one text, in the whole process
 * @param text SQL with $1, $2 …
 * @returns the rows, also those of `UPDATE … RETURNING` and `DELETE … RETURNING`
 */
export async function prepared<Row>(
  runner: DataSource | EntityManager,
  name: string,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  if (!(runner instanceof DataSource)) {
    // TypeORM hands its first argument to pg as it is, though it declares a string; a test holds it to that.
    return rowsOf(await runner.query({ name, text } as unknown as string, [...values]));
  }
  const pool = poolOf(runner);
  try {
    return await onPool<Row>(pool, { name, text, values: [...values] });
  } catch (error) {
    throw new QueryFailedError(text, [...values], error as Error); // here, where its stack tells whose statement it is
  }
}

/** The same as TypeORM's `query` does, without a runner, an entity manager and three promises for each statement. */
function onPool<Row>(pool: pg.Pool, statement: pg.QueryConfig): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    pool.connect((unconnected, client) => {
      if (client === undefined) return reject(unconnected!);
      let isOver = false;
      const end = (error: Error | null, rows: Row[] = []) => {
        if (isOver) return; // pg calls back twice where a value cannot be written
        isOver = true;
        client.release(error !== null && !isAnswer(error));
        if (error) reject(error);
        else resolve(rows);
      };
      try {
        client.query(statement, (error: Error | null, result) => end(error, result?.rows as Row[]));
      } catch (error) {
        end(error as Error);
      }
    });
  });
}

/** Whether PostgreSQL itself answered, and goes on; else nobody knows what becomes of the connection. */
function isAnswer(error: Error): boolean {
  return error instanceof pg.DatabaseError && error.severity !== 'FATAL';
}

/** Composed texts that get a name; PostgreSQL keeps each of them for each connection. */
const MOST_NAMED = 100;
const named = new Map<string, string>();

/**
 * Runs a statement that is composed out of few parts, so that its text comes again: the first hundred texts of the
 * process are prepared under a name, for planning a list takes longer than reading it.
 * @returns the rows, as `prepared` does
 */
export async function preparedByText<Row>(
  runner: DataSource | EntityManager,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  let name = named.get(text);
  if (name === undefined && named.size < MOST_NAMED) named.set(text, (name = `by_text_${named.size + 1}`));
  return name === undefined
    ? unprepared<Row>(runner, text, values)
    : prepared<Row>(runner, name, text, values);
}

/** Runs a statement that is composed anew each time. @returns the rows, as `prepared` does */
export async function unprepared<Row>(
  runner: DataSource | EntityManager,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  return rowsOf(await runner.query(text, [...values]));
}

/** TypeORM answers UPDATE and DELETE with [rows, count], everything else with the rows. */
function rowsOf<Row>(result: unknown): Row[] {
  const [first, second] = result as [unknown, unknown];
  return (Array.isArray(first) && typeof second === 'number' ? first : result) as Row[];
}
