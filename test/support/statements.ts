import { jest } from '@jest/globals';
import pg from 'pg';
import { currentRequestId } from '../../src/http/request-id.js';

/** One statement as PostgreSQL was asked it. */
export interface Statement {
  /** Of a prepared one. */
  readonly name: string | undefined;
  readonly text: string;
  readonly values: readonly unknown[];
  /** Whether it was asked for a request; others the service asks by itself, or a test asks them. */
  readonly isOfRequest: boolean;
}

/** Watches what PostgreSQL is asked. To be called before any connection is made: each keeps what it finds. */
export function watchStatements() {
  const asked: Statement[] = [];
  const query = Reflect.get(pg.Client.prototype, 'query') as (...args: unknown[]) => unknown;
  const spy = jest.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [statement, given] = args as [string | pg.QueryConfig, unknown];
    const {
      name,
      text,
      values = [],
    }: pg.QueryConfig = typeof statement === 'string' ? { text: statement } : statement;
    const isOfRequest = currentRequestId() !== undefined;
    asked.push({ name, text, values: Array.isArray(given) ? given : values, isOfRequest });
    return Reflect.apply(query, this, args);
  });
  return {
    /** What was asked while `work` went on. */
    async during(work: () => Promise<unknown>): Promise<readonly Statement[]> {
      const before = asked.length;
      await work();
      return asked.slice(before);
    },
    restore: () => spy.mockRestore(),
  };
}

/**
 * Counts the statements that PostgreSQL is asked while requests are served; what the service writes by itself in
 * between, once in a second, is not of them. As `watchStatements`.
 */
export function countStatements() {
  const watched = watchStatements();
  return {
    /** How many were asked for the requests that `work` makes. */
    async during(work: () => Promise<unknown>): Promise<number> {
      return (await watched.during(work)).filter(({ isOfRequest }) => isOfRequest).length;
    },
    restore: () => watched.restore(),
  };
}
