import { expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnPostgres } from './own-postgres.js';
import type { ServerProcess } from './server-process.js';

/** What Latchkey's connections to the database `latchkey` are doing. */
export function connectionsTo(postgres: OwnPostgres): Promise<{ state: string }[]> {
  return postgres.ask(
    `SELECT state FROM pg_stat_activity WHERE datname = 'latchkey' AND application_name LIKE 'latchkey%'`,
  );
}

/** Whatever was held, stuck or full: nothing is left of it, no more connections than the pool has, no bug told of. */
export async function expectAtRest(
  server: ServerProcess,
  postgres: OwnPostgres,
  poolSize: number,
): Promise<void> {
  while ((await connectionsTo(postgres)).some(({ state }) => state !== 'idle')) await sleep(50);
  expect((await connectionsTo(postgres)).length).toBeLessThanOrEqual(poolSize);
  expect(server.log.filter(({ msg }) => msg === 'bug')).toEqual([]);
}
