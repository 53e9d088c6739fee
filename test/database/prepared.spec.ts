import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { poolUse } from '../../src/database/pool-use.js';
import { prepared, unprepared } from '../../src/database/prepared.js';
import { asRefusal } from '../../src/http/failure.js';
import { User } from '../../src/users/user.entity.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('prepared', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await new DataSource(dataSourceOptions(database.url, 2, { entities: [User] })).initialize();
    await dataSource.query('CREATE TABLE notes (id int PRIMARY KEY, text text)');
    await dataSource.query(`INSERT INTO notes VALUES (1, 'one'), (2, 'two')`);
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  it('is prepared once on its connection and used again', async () => {
    await dataSource.transaction(async (manager) => {
      const text = 'SELECT text FROM notes WHERE id = $1';
      expect(await prepared(manager, 'note_text', text, [1])).toEqual([{ text: 'one' }]);
      expect(await prepared(manager, 'note_text', text, [2])).toEqual([{ text: 'two' }]);
      const known = await manager.query(
        `SELECT statement, (generic_plans + custom_plans)::int AS runs FROM pg_prepared_statements WHERE name = 'note_text'`,
      );
      expect(known).toEqual([{ statement: text, runs: 2 }]);
    });
  });

  it('is described once on its connection, and read in the same way after that', async () => {
    const runner = dataSource.createQueryRunner();
    const client = (await runner.connect()) as { connection: EventEmitter };
    const described = jest.fn();
    client.connection.on('rowDescription', described);
    try {
      const text = `SELECT $1::int AS int, $2::bigint AS big, $3::timestamptz AS at, $4::jsonb AS json, $5::bytea AS bytes,
        ARRAY['a', 'b'] AS texts, NULL AS nothing FROM generate_series(1, $6) ORDER BY 1`;
      const at = new Date('2026-04-18T04:02:03.470Z');
      const values = [1, '2', at, { a: [null] }, Buffer.from('\0\xff'), 2];
      const row = {
        int: 1,
        big: '2',
        at,
        json: { a: [null] },
        bytes: values[4],
        texts: ['a', 'b'],
        nothing: null,
      };
      for (let run = 0; run < 3; run++) {
        expect(await prepared(runner.manager, 'all_kinds', text, values)).toEqual([row, row]);
      }
      expect(await prepared(runner.manager, 'all_kinds', text, [...values.slice(0, 5), 0])).toEqual([]);
      expect(described).toHaveBeenCalledTimes(1);
    } finally {
      client.connection.off('rowDescription', described);
      await runner.release();
    }
  });

  it.each(['UTC', 'Asia/Kolkata', 'America/St_Johns', 'Europe/Amsterdam'])(
    'reads every instant as pg does, of a server in %s',
    async (zone) => {
      await dataSource.transaction(async (manager) => {
        await manager.query(`SET LOCAL TimeZone = '${zone}'`);
        const texts = [
          '2026-04-18 04:02:03.47Z',
          '2026-04-18 04:02:03Z',
          '1969-12-31 23:59:59.999Z',
          'infinity',
        ];
        const odd = [
          '0099-01-01 00:00Z',
          '12026-01-01 00:00Z',
          '0044-03-15 12:00Z BC',
          '1850-06-01 00:00:00.123456Z',
        ];
        const text = `SELECT t::timestamptz AS read, t::timestamptz::text FROM unnest($1::text[]) AS t`;
        const rows = await prepared<{ read: Date; t: string }>(manager, 'instants', text, [
          [...texts, ...odd],
        ]);
        const asPg = pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ);
        expect(rows.map(({ read }) => read)).toEqual(rows.map(({ t }) => asPg(t)));
        expect(rows[0]!.read).toEqual(new Date('2026-04-18T04:02:03.470Z'));
      });
    },
  );

  it('answers the next statement after one that failed', async () => {
    await dataSource.transaction(async (manager) => {
      const text = 'SELECT 10 / $1::int AS tenth';
      expect(await prepared(manager, 'tenth', text, [5])).toEqual([{ tenth: 2 }]);
      await manager.query('SAVEPOINT before');
      await expect(prepared(manager, 'tenth', text, [0])).rejects.toThrow('division by zero');
      await manager.query('ROLLBACK TO SAVEPOINT before');
      expect(await prepared(manager, 'tenth', text, [2])).toEqual([{ tenth: 5 }]);
    });
  });

  it.each([
    prepared,
    (runner: DataSource, _: string, text: string, values: unknown[]) => unprepared(runner, text, values),
  ])('answers with rows whatever the statement (%#)', async (run) => {
    const add = 'INSERT INTO notes VALUES ($1, $2) RETURNING id';
    expect(await run(dataSource, 'add', add, [3, 'three'])).toEqual([{ id: 3 }]);
    const change = 'UPDATE notes SET text = $2 WHERE id = $1 RETURNING id, text';
    expect(await run(dataSource, 'change', change, [3, 'drei'])).toEqual([{ id: 3, text: 'drei' }]);
    expect(await run(dataSource, 'change', change, [99, ''])).toEqual([]);
    expect(await run(dataSource, 'touch', 'UPDATE notes SET text = text WHERE id = $1', [3])).toEqual([]);
    const remove = 'DELETE FROM notes WHERE id = $1 RETURNING text';
    expect(await run(dataSource, 'remove', remove, [3])).toEqual([{ text: 'drei' }]);
    const none = 'SELECT id FROM notes WHERE id = $1';
    expect(await run(dataSource, 'none', none, [99])).toEqual([]);
  });

  it('is answered too when the pool itself sends it, which calls back', async () => {
    const { master } = dataSource.driver as unknown as { master: pg.Pool };
    const statement = { name: 'note_by_pool', text: 'SELECT text FROM notes WHERE id = $1', values: [1] };
    for (let turn = 0; turn < 2; turn++)
      expect((await master.query(statement)).rows).toEqual([{ text: 'one' }]);
  });

  it('leaves no name on its connection where statements are unnamed', async () => {
    const unnamed = await new DataSource(dataSourceOptions(database.url, 1, {}, 'unnamed')).initialize();
    const text = 'SELECT text FROM notes WHERE id = $1';
    expect(await prepared(unnamed, 'note_text', text, [1])).toEqual([{ text: 'one' }]);
    expect(await unnamed.query('SELECT name FROM pg_prepared_statements')).toEqual([]);
    await unnamed.destroy();
  });

  describe('the pool', () => {
    it.each([null, undefined])('refuses a condition that is %s by mistake', async (id) => {
      const where = { id: id as unknown as string };
      await expect(dataSource.manager.findOneBy(User, where)).rejects.toThrow();
      await expect(dataSource.manager.delete(User, where)).rejects.toThrow();
      await expect(dataSource.manager.update(User, where, { status: 'closed' })).rejects.toThrow();
    });

    describe.each<readonly [string, (pool: DataSource, text: string) => Promise<unknown>]>([
      ['a plain statement', (pool, text) => pool.query(text)],
      ['a prepared one', (pool, text) => prepared(pool, `any ${text}`, text, [])],
    ])('with %s', (_, ask) => {
      it('survives that the server ends its connections', async () => {
        await ask(dataSource, 'SELECT 1');
        await terminateOthers(database.url);
        await expect(eventually(() => ask(dataSource, 'SELECT 1 AS one'))).resolves.toEqual([{ one: 1 }]);
      });

      it('gives a connection up when no answer comes, however long it rested before, and goes on with another', async () => {
        const { extra, ...options } = dataSourceOptions(database.url, 1, {});
        const impatient = new DataSource({
          ...options,
          extra: { ...extra, silentMilliseconds: 100, statement_timeout: 0 },
        });
        await impatient.initialize();
        await ask(impatient, 'SELECT 1');
        await sleep(300);
        const silent = await ask(impatient, 'SELECT pg_sleep(600)').catch((error: unknown) => error);
        expect(asRefusal(silent)?.reason).toBe('unavailable');
        await expect(eventually(() => ask(impatient, 'SELECT 1 AS one'))).resolves.toEqual([{ one: 1 }]);
        await impatient.destroy();
      });

      it('has its connection back after a statement that PostgreSQL refused', async () => {
        await expect(ask(dataSource, 'SELECT 1 / 0')).rejects.toThrow('division by zero');
        expect(poolUse(dataSource)).toMatchObject({ waiting: 0, idle: poolUse(dataSource).open });
      });
    });

    it('is not asked once more on a connection on which a value could not be written', async () => {
      const unwritable = {
        toJSON: () => {
          throw new Error('no JSON');
        },
      };
      const ask = (value: unknown) => prepared(dataSource, 'as_json', 'SELECT $1::jsonb AS value', [value]);
      await expect(ask(unwritable)).rejects.toThrow('no JSON');
      await expect(ask({ a: 1 })).resolves.toEqual([{ value: { a: 1 } }]);
      expect(poolUse(dataSource)).toMatchObject({ waiting: 0, idle: poolUse(dataSource).open });
    });
  });
});

async function terminateOthers(url: string): Promise<void> {
  const other = await new DataSource(dataSourceOptions(url, 1, {})).initialize();
  await other.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await other.destroy();
}

/** The first statements after a break may still meet broken connections: at most as many as there were. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  return work().catch(work).catch(work);
}
