import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectionsTo, expectAtRest } from '../support/at-rest.js';
import { resource, type Client } from '../support/client.js';
import { EveryApi } from '../support/every-api.js';
import { freePort } from '../support/free-port.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { seen } from '../support/seen.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { until } from '../support/until.js';
import { WriteLoad } from '../support/write-load.js';

jest.setTimeout(120_000);

const ADMIN = { email: 'admin@example.com', password: 'correct horse battery' };
const POOL_SIZE = 10;
const AWAY_MILLISECONDS = 30_000;

describe('PostgreSQL', () => {
  let postgres: OwnPostgres;
  let server: ServerProcess;
  let client: Client;
  let token: string;
  let everyApi: EveryApi;

  beforeAll(async () => {
    postgres = await OwnPostgres.create(await freePort());
    await postgres.start();
    await postgres.ask('CREATE DATABASE latchkey');
    await postgres.stopImmediately();
    server = ServerProcess.spawn({
      DATABASE_URL: postgres.url('latchkey'),
      DATABASE_POOL_SIZE: String(POOL_SIZE),
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: ADMIN.password,
    });
    await until(() => server.complaints !== '');
    await postgres.start();
    await server.ready();
    client = server.client();
    token = (await client.session(ADMIN.email, ADMIN.password)).token;
    everyApi = await EveryApi.of(server, token, ADMIN);
  });

  afterAll(async () => {
    await stopAllServers();
    await postgres.remove();
  });

  it('SECURITY 161: that is not there yet is waited for, with one line of notice', () => {
    expect(server.complaints).toBe('The database does not answer yet: waiting for it\n');
  });

  it(`SECURITY 149: that goes away for ${AWAY_MILLISECONDS / 1000} s under load is a 503 in the words of every API; who asks once it is back is answered`, async () => {
    await everyApi.expectAnswered();
    const load = new WriteLoad(token, 'away');
    const writing = load.run(client, 12);
    await until(() => load.acknowledged >= 100);
    await postgres.stopImmediately();
    const back = performance.now() + AWAY_MILLISECONDS;
    while (performance.now() < back) {
      expect((await client.get('/health/live')).status).toBe(200);
      expect((await client.get('/health/ready')).status).toBe(503);
      await everyApi.expectUnavailable();
      await sleep(1000);
    }
    await postgres.start();
    const startedAt = performance.now();
    await everyApi.expectAnswered();
    const answeredAfterMilliseconds = Math.round(performance.now() - startedAt);
    expect((await client.get('/health/ready')).status).toBe(200);
    const before = load.acknowledged;
    await until(() => load.acknowledged >= before + 100);
    load.stop();
    await writing;

    await load.expectKept(client); // SECURITY 150
    const { acknowledged, undecided } = load;
    const awaySeconds = AWAY_MILLISECONDS / 1000;
    seen('PostgreSQL away', { awaySeconds, acknowledged, undecided, answeredAfterMilliseconds });
  });

  it('SECURITY 153: that ends every connection, again and again, costs no 500 and not the process', async () => {
    const load = new WriteLoad(token, 'terminated');
    const writing = load.run(client, 8);
    for (let round = 0; round < 20; round++) {
      const before = load.acknowledged;
      await until(() => load.acknowledged >= before + 20);
      await postgres.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'latchkey'`);
    }
    const before = load.acknowledged;
    await until(() => load.acknowledged >= before + 20);
    load.stop();
    await writing;

    await load.expectKept(client);
    expect(server.isRunning).toBe(true);
    const { acknowledged, undecided } = load;
    seen('every connection ended', { times: 20, acknowledged, undecided });
  });

  it('SECURITY 156: that takes no writes is read from', async () => {
    const { id, token: own } = await client.session(ADMIN.email, ADMIN.password);
    const machine = resource('sessions', { name: 'deployment' });
    const writes = [
      () => client.signIn(ADMIN.email, ADMIN.password),
      () => client.call('DELETE', `/api/v2/sessions/${id}`, own),
      () => client.call('POST', '/api/v2/sessions/machine', own, machine),
    ];
    await setReadOnly('on');
    for (const path of ['/api/v2/sessions/current', '/api/v2/sessions', '/api/v2/users/me']) {
      expect((await client.get(path, own)).status).toBe(200);
    }
    for (const write of writes) {
      const { status, headers, body } = await write();
      expect([status, body.errors[0].code]).toEqual([503, 'unavailable']);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    await setReadOnly('off');
    expect((await client.call('DELETE', `/api/v2/sessions/${id}`, own)).status).toBe(204);
  });

  it('SECURITY 152: has in the end no more connections than the pool may have, and none in a transaction', async () => {
    await expectAtRest(server, postgres, POOL_SIZE);
    expect(await server.stop()).toBe(0);
    expect(await connectionsTo(postgres)).toEqual([]);
  });

  async function setReadOnly(value: 'on' | 'off'): Promise<void> {
    await postgres.ask(`ALTER DATABASE latchkey SET default_transaction_read_only = ${value}`);
    await postgres.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'latchkey'`);
    // A pool learns of its broken connections one by one.
    while ((await client.get('/health/ready')).status !== 200) await sleep(20);
  }
});
