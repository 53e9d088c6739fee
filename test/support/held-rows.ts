import { setTimeout as sleep } from 'node:timers/promises';
import type { Response, Test } from 'supertest';
import { DataSource } from 'typeorm';
import type { Latchkey } from './latchkey.js';

/** Rows locked in a transaction of the test's own, so that requests meet in an order of its choice. */
export interface HeldRows {
  /** Resolves once so many statements wait for a lock. */
  untilWaiting(statements: number): Promise<void>;
  /** Changes something in the same transaction. */
  run(statement: string, values: unknown[]): Promise<void>;
  release(): Promise<void>;
}

/** @param statement a SELECT … FOR UPDATE or FOR SHARE */
export async function holdRows(latchkey: Latchkey, statement: string, values: unknown[]): Promise<HeldRows> {
  const runner = latchkey.app.get(DataSource).createQueryRunner();
  await runner.startTransaction();
  await runner.query(statement, values);
  return {
    async untilWaiting(statements) {
      const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      while ((await latchkey.sql(waiting)).length < statements) await sleep(5);
    },
    async run(change, given) {
      await runner.query(change, given);
    },
    async release() {
      await runner.commitTransaction();
      await runner.release();
    },
  };
}

/** Sends a request now; supertest itself waits until somebody asks for the answer. */
export function sent(request: Test): Promise<Response> {
  return request.then((response) => response);
}
