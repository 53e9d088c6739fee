import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expectAtRest } from '../support/at-rest.js';
import type { Client } from '../support/client.js';
import { EveryApi } from '../support/every-api.js';
import { freePort } from '../support/free-port.js';
import { lockTable, untilSomeoneWaits } from '../support/locks.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { seen } from '../support/seen.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { until } from '../support/until.js';
import { WriteLoad } from '../support/write-load.js';

jest.setTimeout(120_000);

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };
const POOL_SIZE = 10;
/** PostgreSQL's own limit here, for all who connect. */
const MAX_CONNECTIONS = 30;
/** Longer than a statement may take (10 s) and its connection is waited on (12 s). */
const FROZEN_MILLISECONDS = 15_000;

describe('PostgreSQL', () => {
  let postgres: OwnPostgres;
  let server: ServerProcess;
  let client: Client;
  let token: string;
  let everyApi: EveryApi;

  const start = (poolSize: number) =>
    ServerProcess.start({
      DATABASE_URL: postgres.url('latchkey'),
      DATABASE_POOL_SIZE: String(poolSize),
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: ADMIN.password,
    });

  beforeAll(async () => {
    postgres = await OwnPostgres.create(await freePort());
    await postgres.start({ max_connections: String(MAX_CONNECTIONS) });
    await postgres.ask('CREATE DATABASE latchkey');
    server = await start(POOL_SIZE);
    client = server.client();
    token = (await client.session(ADMIN.email, ADMIN.password)).token;
    everyApi = await EveryApi.of(server, token, ADMIN);
  });

  afterEach(async () => {
    await everyApi.expectAnswered();
    await expectAtRest(server, postgres, POOL_SIZE);
  });

  afterAll(async () => {
    await stopAllServers();
    await postgres.remove();
  });

  it(`SECURITY 152: that hangs for ${FROZEN_MILLISECONDS / 1000} s, with its port open, is a 503 in the words of every API; who asks once it goes on is answered`, async () => {
    const load = new WriteLoad(token, 'frozen');
    const writing = load.run(client, 12);
    await until(() => load.acknowledged >= 60);
    await postgres.freeze();
    try {
      const enough = sleep(FROZEN_MILLISECONDS);
      const bystander = server.client();
      expect((await bystander.get('/health/live')).status).toBe(200);
      expect((await bystander.get('/health/ready')).status).toBe(503);
      await everyApi.expectUnavailable();
      await enough;
    } finally {
      await postgres.thaw();
    }
    const thawedAt = performance.now();
    await everyApi.expectAnswered();
    const answeredAfterMilliseconds = Math.round(performance.now() - thawedAt);
    const before = load.acknowledged;
    await until(() => load.acknowledged >= before + 60);
    load.stop();
    await writing;

    await load.expectKept(client);
    const { acknowledged, undecided } = load;
    const hungSeconds = FROZEN_MILLISECONDS / 1000;
    seen('PostgreSQL hangs', { hungSeconds, acknowledged, undecided, answeredAfterMilliseconds });
  });

  it('SECURITY 154: that keeps every connection of the pool waiting is a 503 for all who wait, and leaves none behind', async () => {
    const unlock = await lockTable(postgres.url('latchkey'), 'sessions');
    const many = server.client(POOL_SIZE + 6);
    const waiting = Array.from({ length: POOL_SIZE + 5 }, () => many.get('/api/v2/sessions/current', token));
    try {
      await untilSomeoneWaits(postgres.url('latchkey'));
      expect((await many.get('/health/live')).status).toBe(200);
      await everyApi.expectUnavailable();
      for (const { status, headers } of await Promise.all(waiting)) {
        expect(status).toBe(503);
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      }
    } finally {
      await unlock();
    }
  });

  it('SECURITY 154: that has no connection left for us, since others hold them all, is a 503', async () => {
    await postgres.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'latchkey'`);
    const others = await takeEveryConnection(postgres.url('postgres'));
    try {
      expect(others.length).toBeGreaterThan(POOL_SIZE);
      await everyApi.expectUnavailable();
      expect((await client.get('/health/live')).status).toBe(200);
      expect((await client.get('/health/ready')).status).toBe(503);
    } finally {
      await Promise.all(others.map((other) => other.end()));
    }
  });

  it('SECURITY 154: gives the smallest pool enough for many who write at once: nothing that holds a connection waits for another', async () => {
    const small = await start(2);
    const load = new WriteLoad(token, 'small');
    const writing = load.run(small.client(), 16);
    await until(() => load.acknowledged >= 200 || load.undecided > 0 || load.wrong.length > 0);
    load.stop();
    await writing;
    expect(load.undecided).toBe(0);
    await load.expectKept(small.client());
    expect(await small.stop()).toBe(0);
  });
});

/** Connects until PostgreSQL takes nobody any more. */
async function takeEveryConnection(url: string): Promise<pg.Client[]> {
  const taken: pg.Client[] = [];
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
    } catch (error) {
      if ((error as { code?: string }).code !== '53300') throw error;
      return taken;
    }
    taken.push(client);
  }
}
