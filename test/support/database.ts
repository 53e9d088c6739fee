import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Drops it, whoever is still connected. */
  drop(): Promise<void>;
}

/** A fresh, migrated database: one for each test file. */
export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(process.env.LATCHKEY_TEST_TEMPLATE ?? '');
}

/** A database without any table. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createDatabase('template0');
}

async function createDatabase(template: string): Promise<TestDatabase> {
  const name = `${process.env.LATCHKEY_TEST_TEMPLATE}_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(process.env.LATCHKEY_TEST_SERVER ?? '');
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: process.env.LATCHKEY_TEST_SERVER });
  await client.connect();
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await client.query(statement);
        return;
      } catch (error) {
        // 55006: another worker clones the template at this moment.
        if ((error as { code?: string }).code !== '55006' || attempt === 100) throw error;
        await sleep(50);
      }
    }
  } finally {
    await client.end();
  }
}
