import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { entities, migrations } from '../../ormconfig.js';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('schema', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await new DataSource(
      dataSourceOptions(database.url, 2, { entities, migrations }),
    ).initialize();
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('is made by the migrations exactly as the entities say', async () => {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('has no index on what each use of a session writes: those updates touch the row alone', async () => {
    const stamped = /last_activity_at|last_ip|location|city|country|latitude|longitude|expires_at|write_mark/;
    const indexes = await dataSource.query<{ definition: string }[]>(
      `SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index WHERE indrelid = 'sessions'::regclass`,
    );
    expect(indexes.length).toBeGreaterThan(5);
    expect(indexes.filter(({ definition }) => stamped.test(definition))).toEqual([]);
  });

  it('has every index whole: one that was built beside others is as good as they are', async () => {
    const broken = await dataSource.query('SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid');
    expect(broken).toEqual([]);
  });

  it('can be taken back migration by migration, and made again', async () => {
    for (let left = migrations.length; left > 0; left--) await dataSource.undoLastMigration();
    const tables = await dataSource.query(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`,
    );
    expect(tables).toEqual([{ table_name: 'migrations' }]);

    const ran = await dataSource.runMigrations({ transaction: 'each' });
    expect(ran).toHaveLength(migrations.length);
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries).toEqual([]);
  });
});
