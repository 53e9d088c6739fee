import { jest } from '@jest/globals';
import pg from 'pg';
import { currentRequestId } from '../../src/http/request-id.js';

/**
 * Counts the statements that PostgreSQL is asked while requests are served; what the service writes by itself in
 * between, once in a second, is not of them. To be called before any connection is made: each keeps what it finds.
 */
export function countStatements() {
  let asked = 0;
  const query = Reflect.get(pg.Client.prototype, 'query') as (...args: unknown[]) => unknown;
  const spy = jest.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    if (currentRequestId() !== undefined) asked++;
    return Reflect.apply(query, this, args);
  });
  return {
    /** How many were asked for the requests that `work` makes. */
    async during(work: () => Promise<unknown>): Promise<number> {
      const before = asked;
      await work();
      return asked - before;
    },
    restore: () => spy.mockRestore(),
  };
}
