import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { migrations } from '../../ormconfig.js';
import { APIS, enter } from '../support/apis.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { document, Door, ORIGIN, PASSWORD } from '../support/door.js';
import { PGBOUNCER, PgBouncer } from '../support/pgbouncer.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';
import { expectWhole } from '../support/whole.js';
import { WriteLoad } from '../support/write-load.js';

jest.setTimeout(120_000);

const missing = PGBOUNCER === null ? ' (skipped: PgBouncer is not installed)' : '';
const suite = PGBOUNCER === null ? describe.skip : describe;

/** Fewer connections than either instance has, so that no two transactions can count on the same one. */
const CONNECTIONS = 4;

suite(`PgBouncer in transaction mode${missing}`, () => {
  let database: TestDatabase;
  let pooler: PgBouncer;
  let servers: ServerProcess[];
  let doors: Door[];
  let admin: { token: string };

  const settings = (statements: string) => ({
    DATABASE_URL: pooler.url,
    DATABASE_STATEMENTS: statements,
    SECRET_KEY: '0123456789abcdef'.repeat(4),
    ADMIN_PASSWORD: PASSWORD,
    ALLOWED_ORIGINS: ORIGIN,
  });

  beforeAll(async () => {
    database = await createEmptyDatabase();
    pooler = await PgBouncer.before(database.url, CONNECTIONS);
    servers = await Promise.all([1, 2].map(() => ServerProcess.start(settings('unnamed'))));
    doors = servers.map(({ url }) => new Door(url));
    admin = await doors[0]!.signIn({ email: 'admin@example.com', password: PASSWORD });
  });

  afterAll(async () => {
    await stopAllServers();
    await pooler.stop();
    await database.drop();
  });

  it('lets one of two new instances migrate, and keeps no lock of it', async () => {
    const ran = await ask(database.url, 'SELECT name FROM migrations');
    expect(ran).toHaveLength(migrations.length);
    const locks = await ask(
      database.url,
      `SELECT objid FROM pg_locks WHERE locktype = 'advisory'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    expect(locks).toEqual([]);
  });

  it('is no place to say limits, so whoever starts without any is told', () => {
    for (const { complaints } of servers) expect(complaints).toContain('SET statement_timeout');
  });

  it('carries every kind of write of two instances at once, over few connections', async () => {
    const loads = servers.map((server, index) => ({
      server,
      load: new WriteLoad(admin.token, `pooled${index}`),
    }));
    const writing = loads.map(({ server, load }) => load.run(server.client(), 4));
    while (loads.some(({ load }) => load.acknowledged < 100 && load.wrong.length === 0)) {
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), ...writing]);
    }
    for (const { load } of loads) load.stop();
    await Promise.all(writing);
    for (const [index, { load }] of loads.entries()) {
      expect(load.undecided).toBe(0);
      await load.expectKept(servers[1 - index]!.client());
    }
    await expectWhole(database.url);
    const connected = await ask(
      database.url,
      'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    expect(connected.length).toBeLessThanOrEqual(CONNECTIONS);
  });

  it.each(APIS)('serves %s: what is revoked at one instance is over at the other', async (api) => {
    const email = `${api}@example.com`;
    const user = document('users', { email, password: PASSWORD });
    const { body } = await doors[0]!.post('/api/v2/users', admin.token, user).expect(201);
    const person = { id: body.data.id, email, password: PASSWORD };
    const elsewhere = await doors[1]!.signIn(person);
    const seat = await enter(api, doors[0]!, person, admin);
    expect(await seat.sessionIds(doors[1]!)).toEqual([elsewhere.sessionId, seat.sessionId]);
    await seat.revoke(doors[0]!, elsewhere.sessionId);
    await doors[1]!.get('/api/v2/sessions/current', elsewhere.token).expect(401);
    expect(await seat.sessionIds(doors[1]!)).toEqual([seat.sessionId]);
  });

  it('refuses an instance that says its limits, which then says so and ends', async () => {
    const named = ServerProcess.spawn(settings('named'));
    expect(await named.exited).toBe(1);
    expect(named.complaints).toMatch(/^Latchkey cannot start: .*statement_timeout/m);
  });
});
