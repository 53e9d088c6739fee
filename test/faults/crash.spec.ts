import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeDataDir, postmasterOf, removeDataDir } from '../support/data-dir.js';
import { seen } from '../support/seen.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { until } from '../support/until.js';
import { expectWhole } from '../support/whole.js';
import { WriteLoad } from '../support/write-load.js';

jest.setTimeout(300_000);

const PASSWORD = 'correct horse battery';
const KILLS = 10;
const WORKERS = 8;
/** Acknowledged writes before the kill that comes so manieth: at another point each time. */
const writesBefore = (kill: number) => 30 + 3 * kill;

/** Fails in the process, on the signal, where nobody catches it. */
const BREAKABLE = `process.once('SIGUSR2', () => void Promise.reject(new Error('injected')));`;

describe('kill -9 of an instance during writes', () => {
  let database: TestDatabase;
  const start = () =>
    ServerProcess.start({
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    });

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await stopAllServers();
    await database.drop();
  });

  it(`SECURITY 157: ${KILLS} times: the other one stands by every answer at once, and nothing is half-written`, async () => {
    let victim = await start();
    const admin = (await victim.client().session('admin@example.com', PASSWORD)).token;
    let survivor = await start();
    const load = new WriteLoad(admin, 'killed');
    for (let kill = 1; kill <= KILLS; kill++) {
      const aim = load.acknowledged + writesBefore(kill);
      const writing = load.run(victim.client(), WORKERS);
      await until(() => load.acknowledged >= aim || load.wrong.length > 0);
      await victim.stop('SIGKILL');
      await writing;
      const next = start();
      await load.expectKept(survivor.client());
      [victim, survivor] = [survivor, await next];
    }
    await expectWhole(database.url);
    expect(await survivor.client().statusOf(admin)).toBe(200);
    const { acknowledged, undecided } = load;
    seen('kill -9 of an instance', { kills: KILLS, acknowledged, undecided, lost: 0 });
  });
});

describe('kill -9 of the embedded PostgreSQL during writes', () => {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await makeDataDir();
  });
  afterAll(async () => {
    await stopAllServers();
    await removeDataDir(dataDir);
  });

  it(`SECURITY 158: ${KILLS} times: it comes back by itself, and everything that was answered holds`, async () => {
    const server = await ServerProcess.start({ DATA_DIR: dataDir, ADMIN_PASSWORD: PASSWORD });
    const client = server.client();
    const { token } = await client.session('admin@example.com', PASSWORD);
    const load = new WriteLoad(token, 'crashed');
    const backAfter: number[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      const aim = load.acknowledged + writesBefore(kill);
      const writing = load.run(client, WORKERS);
      await until(() => load.acknowledged >= aim || load.wrong.length > 0);
      const postmaster = await postmasterOf(dataDir);
      process.kill(postmaster!, 'SIGKILL');
      const killed = performance.now();
      // Its orphans may still answer for a moment.
      while ([null, postmaster].includes(await postmasterOf(dataDir))) await sleep(10);
      await untilReady(client);
      backAfter.push(Math.round(performance.now() - killed));
      load.stop();
      await writing;
      expect(server.log.filter(({ msg }) => msg === 'bug')).toEqual([]);
      await load.expectKept(client);
    }
    const url = await embeddedUrl(dataDir);
    await expectWhole(url);
    const { acknowledged, undecided } = load;
    const backWithinMilliseconds = Math.max(...backAfter);
    seen('kill -9 of PostgreSQL', { kills: KILLS, acknowledged, undecided, lost: 0, backWithinMilliseconds });
    expect(await server.stop()).toBe(0);
    expect(await postmasterOf(dataDir)).toBeNull();
  });
});

describe('kill -9 of the server alone', () => {
  let dataDir: string;
  const start = () => ServerProcess.start({ DATA_DIR: dataDir, ADMIN_PASSWORD: PASSWORD });

  beforeAll(async () => {
    dataDir = await makeDataDir();
  });
  afterEach(stopAllServers);
  afterAll(() => removeDataDir(dataDir));

  it('SECURITY 19: between two wrong passwords: those before it count after the restart, on the PostgreSQL that it left', async () => {
    const email = 'dan@example.com';
    const server = await start();
    const { token } = await server.client().session('admin@example.com', PASSWORD);
    await server.client().addUser(token, email, PASSWORD);
    const guessFiveTimes = async (client: Client) => {
      for (let n = 0; n < 5; n++) expect((await client.signIn(email, 'wrong')).status).toBe(401);
    };
    await guessFiveTimes(server.client());
    await server.stop('SIGKILL');

    const again = await start();
    await guessFiveTimes(again.client());
    const { status, headers } = await again.client().signIn(email, PASSWORD);
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(await again.stop()).toBe(0);
    expect(await postmasterOf(dataDir)).toBeNull();
  });
});

describe('an error that nobody handled', () => {
  it('SECURITY 169: is logged, ends the process with 1, and stops the embedded PostgreSQL', async () => {
    const dataDir = await makeDataDir();
    const server = await ServerProcess.start({ DATA_DIR: dataDir, ADMIN_PASSWORD: PASSWORD }, BREAKABLE);
    const { token } = await server.client().session('admin@example.com', PASSWORD);
    expect(await server.stop('SIGUSR2')).toBe(1);
    expect(server.log).toContainEqual(
      expect.objectContaining({
        level: 60,
        msg: 'unhandledRejection',
        err: expect.objectContaining({ message: 'injected' }),
      }),
    );
    expect(await postmasterOf(dataDir)).toBeNull();

    const again = await ServerProcess.start({ DATA_DIR: dataDir });
    expect(await again.client().statusOf(token)).toBe(200);
    expect(await again.stop()).toBe(0);
    await removeDataDir(dataDir);
  });
});

async function untilReady(client: Client): Promise<void> {
  while ((await client.get('/health/ready')).status !== 200) await sleep(20);
}

/** The address of the database that a server keeps in its DATA_DIR. */
async function embeddedUrl(dataDir: string): Promise<string> {
  const [password, started] = await Promise.all(
    ['postgres.password', 'postgres/postmaster.pid'].map((name) => readFile(join(dataDir, name), 'utf8')),
  );
  return `postgres://postgres:${password!.trim()}@127.0.0.1:${started!.split('\n')[3]}/latchkey`;
}
