import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { migrations } from '../../ormconfig.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';

jest.setTimeout(60_000);

const settings = {
  SECRET_KEY: '0123456789abcdef'.repeat(4),
  ADMIN_PASSWORD: 'correct horse battery',
};

/** Stops at the first statement that makes the table `sessions`, until it is killed. */
const HANGING = `
  import pg from '${pathToFileURL(createRequire(import.meta.url).resolve('pg')).href}';
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (...args) {
    const text = typeof args[0] === 'string' ? args[0] : (args[0]?.text ?? '');
    if (/CREATE TABLE sessions/.test(text)) return new Promise(() => process.stderr.write('half way'));
    return query.apply(this, args);
  };`;

describe('of instances that start on an empty database', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createEmptyDatabase();
  });
  afterEach(async () => {
    await stopAllServers();
    await database.drop();
  });

  it('SECURITY 161: one is killed in the middle of a migration: the one that waited takes over, and nothing is there twice or by half', async () => {
    const first = ServerProcess.spawn({ ...settings, DATABASE_URL: database.url }, HANGING);
    while (!first.complaints.includes('half way') && first.isRunning) await sleep(20);
    expect(first.complaints).toContain('half way');
    const second = ServerProcess.spawn({ ...settings, DATABASE_URL: database.url });
    await untilTwoAskForTheTurn(database);
    expect(await tablesOf(database)).not.toContain('sessions');
    expect(second.lines).toEqual([]);
    await first.stop('SIGKILL');
    await second.ready();

    expect(await migrationsOf(database)).toEqual(migrations.map(({ name }) => name));
    expect((await second.client().signIn('admin@example.com', settings.ADMIN_PASSWORD)).status).toBe(201);
    expect(await second.stop()).toBe(0);
  });
});

/** The one that migrates has asked for the turn and got it; the other one asks again and again. */
async function untilTwoAskForTheTurn({ url }: TestDatabase): Promise<void> {
  const asking = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory_xact_lock%'`;
  while ((await ask(url, asking)).length < 2) await sleep(20);
}

async function tablesOf({ url }: TestDatabase): Promise<string[]> {
  const rows = await ask<{ name: string }>(
    url,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  return rows.map(({ name }) => name);
}

async function migrationsOf({ url }: TestDatabase): Promise<string[]> {
  const rows = await ask<{ name: string }>(url, 'SELECT name FROM migrations ORDER BY id');
  return rows.map(({ name }) => name);
}
