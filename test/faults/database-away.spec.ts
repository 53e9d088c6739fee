import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { resource, type Answer, type Client } from '../support/client.js';
import { freePort } from '../support/free-port.js';
import { lockSessions, untilSomeoneWaits } from '../support/locks.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';

jest.setTimeout(60_000);

const PASSWORD = 'correct horse battery';
const POOL_SIZE = 10;

describe('PostgreSQL', () => {
  let postgres: OwnPostgres;
  let server: ServerProcess;
  let client: Client;
  let token: string;

  beforeAll(async () => {
    postgres = await OwnPostgres.create(await freePort());
    await postgres.start();
    await postgres.ask('CREATE DATABASE latchkey');
    await postgres.stopImmediately();
    server = ServerProcess.spawn({
      DATABASE_URL: postgres.url('latchkey'),
      DATABASE_POOL_SIZE: String(POOL_SIZE),
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    });
    while (server.complaints === '') await sleep(20);
    await postgres.start();
    await server.ready();
    client = server.client();
    token = (await client.session('admin@example.com', PASSWORD)).token;
  });

  afterAll(async () => {
    await stopAllServers();
    await postgres.remove();
  });

  it('SECURITY 161: that is not there yet is waited for, with one line of notice', () => {
    expect(server.complaints).toBe('The database does not answer yet: waiting for it\n');
  });

  it('SECURITY 149: that goes away under load is a 503, and nobody starts Latchkey anew when it is back', async () => {
    const load = new Load(client, token, 12);
    await load.until(100, isFine);
    await postgres.stopImmediately();
    expect((await client.get('/health/live')).status).toBe(200);
    expect((await client.get('/health/ready')).status).toBe(503);
    await load.until(50, ({ status }) => status === 503);
    await postgres.start();
    while ((await client.get('/health/ready')).status !== 200) await sleep(50);
    await load.until(100, isFine);
    await load.stop();

    expectOnlyFineOrUnavailable(load.answers);
    await load.expectKept(); // SECURITY 150
  });

  it('SECURITY 153: that ends every connection, again and again, costs no 500 and not the process', async () => {
    const load = new Load(client, token, 8);
    for (let round = 0; round < 20; round++) {
      await load.until(20, isFine);
      await postgres.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'latchkey'`);
    }
    await load.until(20, isFine);
    await load.stop();

    expectOnlyFineOrUnavailable(load.answers);
    await load.expectKept();
    expect(server.isRunning).toBe(true);
  });

  it('SECURITY 156: that takes no writes is read from', async () => {
    const { id, token: own } = await client.session('admin@example.com', PASSWORD);
    const writes = [
      () => client.signIn('admin@example.com', PASSWORD),
      () => client.call('DELETE', `/api/v2/sessions/${id}`, own),
      () =>
        client.call('POST', '/api/v2/sessions/machine', own, resource('sessions', { name: 'deployment' })),
    ];
    await setReadOnly('on');
    for (const path of ['/api/v2/sessions/current', '/api/v2/sessions', '/api/v2/users/me']) {
      expect((await client.get(path, own)).status).toBe(200);
    }
    for (const write of writes) expectUnavailable(await write());
    await setReadOnly('off');
    expect((await client.call('DELETE', `/api/v2/sessions/${id}`, own)).status).toBe(204);
  });

  it('SECURITY 154: that keeps every connection waiting is a 503 for all who wait, and leaves none behind', async () => {
    const unlock = await lockSessions(postgres.url('latchkey'));
    const many = server.client(POOL_SIZE + 6);
    const waiting = Array.from({ length: POOL_SIZE + 5 }, () => many.get('/api/v2/sessions/current', token));
    await untilSomeoneWaits(postgres.url('latchkey'));
    expect((await many.get('/health/live')).status).toBe(200);
    for (const answer of await Promise.all(waiting)) expectUnavailable(answer);
    await unlock();
    expect(await client.statusOf(token)).toBe(200);
  });

  it('SECURITY 152: has in the end no more connections than the pool may have, and none in a transaction', async () => {
    const connections = () =>
      postgres.ask<{ state: string }>(
        `SELECT state FROM pg_stat_activity WHERE datname = 'latchkey' AND application_name LIKE 'latchkey%'`,
      );
    while ((await connections()).some(({ state }) => state !== 'idle')) await sleep(50);
    expect((await connections()).length).toBeLessThanOrEqual(POOL_SIZE);
    expect(server.log.filter(({ msg }) => msg === 'bug')).toEqual([]);
    expect(await server.stop()).toBe(0);
    expect(await connections()).toEqual([]);
  });

  async function setReadOnly(value: 'on' | 'off'): Promise<void> {
    await postgres.ask(`ALTER DATABASE latchkey SET default_transaction_read_only = ${value}`);
    await postgres.ask(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'latchkey'`);
    // A pool learns of its broken connections one by one.
    while ((await client.get('/health/ready')).status !== 200) await sleep(20);
  }
});

/** Clients that sign in, look around and sign out without a pause, and remember every answer. */
class Load {
  readonly answers: Answer[] = [];
  private readonly live: string[] = [];
  private readonly revoked: string[] = [];
  private stopping = false;
  private readonly workers: Promise<void[]>;

  constructor(
    private readonly client: Client,
    private readonly token: string,
    workers: number,
  ) {
    this.workers = Promise.all(Array.from({ length: workers }, () => this.work()));
  }

  /** Waits for so many more answers of a kind. @throws Error when the server stopped answering at all */
  async until(count: number, kind: (answer: Answer) => boolean): Promise<void> {
    const before = this.answers.filter(kind).length;
    while (this.answers.filter(kind).length < before + count) await Promise.race([sleep(10), this.workers]);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.workers;
  }

  /** Whether the server stands by what it answered. */
  async expectKept(): Promise<void> {
    const statuses = (tokens: string[]) => Promise.all(tokens.map((token) => this.client.statusOf(token)));
    expect(new Set(await statuses(this.live))).toEqual(new Set([200]));
    expect(new Set(await statuses(this.revoked))).toEqual(new Set([401]));
  }

  private async work(): Promise<void> {
    for (let turn = 0; !this.stopping; turn++) {
      const signedIn = await this.note(this.client.signIn('admin@example.com', PASSWORD));
      await this.note(this.client.get('/api/v2/sessions/current', this.token));
      await this.note(this.client.get('/api/v2/sessions?page[size]=5', this.token));
      if (signedIn.status !== 201) continue;
      const { id, attributes } = signedIn.body.data;
      if (turn % 2 === 0) this.live.push(attributes.token);
      else {
        const { status } = await this.note(
          this.client.call('DELETE', `/api/v2/sessions/${id}`, attributes.token),
        );
        if (status === 204) this.revoked.push(attributes.token);
      }
    }
  }

  private async note(asked: Promise<Answer>): Promise<Answer> {
    const answer = await asked;
    this.answers.push(answer);
    return answer;
  }
}

function isFine({ status }: Answer): boolean {
  return status === 200 || status === 201 || status === 204;
}

function expectOnlyFineOrUnavailable(answers: readonly Answer[]): void {
  for (const answer of answers) if (!isFine(answer)) expectUnavailable(answer);
}

function expectUnavailable({ status, headers, body }: Answer): void {
  expect({ status, body }).toEqual({
    status: 503,
    body: { errors: [expect.objectContaining({ status: '503', code: 'unavailable' })] },
  });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
}
