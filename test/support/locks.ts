import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ask } from './sql.js';

/** Makes every statement on a table wait. @returns what ends that */
export async function lockTable(url: string, table: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return () => client.end();
}

/** Waits until a statement stands before a lock. */
export async function untilSomeoneWaits(url: string): Promise<void> {
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await ask(url, waiting)).length === 0) await sleep(20);
}
