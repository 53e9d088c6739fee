import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { entities, migrations } from '../../ormconfig.js';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { migrate, waitForDatabase } from '../../src/database/migrate.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';

describe('migrate', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createEmptyDatabase();
  });

  afterEach(async () => {
    await database.drop();
  });

  const instance = () => new DataSource(dataSourceOptions(database.url, 2, { entities, migrations }));

  it('runs each migration once when several instances start together', async () => {
    const ran = await Promise.all([1, 2, 3, 4, 5].map(() => migrate(instance())));
    expect(ran.flat().sort()).toEqual(migrations.map(({ name }) => name).sort());
    expect(await migrate(instance())).toEqual([]);
  });

  it('lets a migration take longer than a request may', async () => {
    class Slow1790000000000 {
      async up(runner: { query(text: string): Promise<{ statement_timeout: string }[]> }) {
        const [row] = await runner.query('SHOW statement_timeout');
        expect(row?.statement_timeout).toBe('0');
      }
      async down() {}
    }
    const slow = new DataSource(dataSourceOptions(database.url, 2, { migrations: [Slow1790000000000] }));
    expect(await migrate(slow)).toEqual(['Slow1790000000000']);
  });

  it('leaves nothing of a migration that fails, and lets the next one try', async () => {
    class Broken1790000000000 {
      async up(runner: { query(text: string): Promise<unknown> }) {
        await runner.query('CREATE TABLE half (id int)');
        await runner.query('SELECT 1 / 0');
      }
      async down() {}
    }
    const broken = new DataSource(dataSourceOptions(database.url, 2, { migrations: [Broken1790000000000] }));
    await expect(migrate(broken)).rejects.toThrow('division by zero');
    expect(await migrate(instance())).toHaveLength(migrations.length);
    const dataSource = await instance().initialize();
    expect(await dataSource.query(`SELECT to_regclass('half') AS half`)).toEqual([{ half: null }]);
    await dataSource.destroy();
  });

  it('refuses a database that forgets what it acknowledged', async () => {
    const name = new URL(database.url).pathname.slice(1);
    const dataSource = await instance().initialize();
    await dataSource.query(`ALTER DATABASE ${name} SET synchronous_commit = off`);
    await dataSource.destroy();
    await expect(migrate(instance())).rejects.toThrow('synchronous_commit is off');
  });
});

describe('waitForDatabase', () => {
  it('waits with one line of notice, then gives the last error', async () => {
    const nobody = new DataSource(dataSourceOptions('postgres://postgres:x@127.0.0.1:1/latchkey', 2, {}));
    const lines: string[] = [];
    await expect(waitForDatabase(nobody, (line) => lines.push(line), [1, 1, 1])).rejects.toThrow(
      'ECONNREFUSED',
    );
    expect(lines).toHaveLength(1);
  });

  it('does not wait for what waiting cannot mend', async () => {
    const url = new URL(process.env.LATCHKEY_TEST_SERVER ?? '');
    url.pathname = '/no_such_database';
    const lines: string[] = [];
    const dataSource = new DataSource(dataSourceOptions(url.href, 2, {}));
    await expect(waitForDatabase(dataSource, (line) => lines.push(line))).rejects.toThrow('does not exist');
    expect(lines).toEqual([]);
  });
});
