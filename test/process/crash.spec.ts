import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDataDir, postmasterOf, removeDataDir } from '../support/data-dir.js';
import { resource, type Client } from '../support/client.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';

jest.setTimeout(60_000);
afterEach(stopAllServers);

const PASSWORD = 'correct horse battery';
const PEOPLE = Array.from({ length: 20 }, (_, n) => `person${n}@example.com`);
const LOGINS = 200;
/** How many sign-ins are acknowledged when the kill comes. */
const KILLED_AFTER = 80;

/** Fails in the process, on the signal, where nobody catches it. */
const BREAKABLE = `process.once('SIGUSR2', () => void Promise.reject(new Error('injected')));`;

describe('kill -9', () => {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await makeDataDir();
  });
  afterAll(() => removeDataDir(dataDir));

  const start = (preload?: string) =>
    ServerProcess.start({ DATA_DIR: dataDir, ADMIN_PASSWORD: PASSWORD }, preload);

  it('SECURITY 157: of the server during 200 logins: after the restart everything that was acknowledged holds', async () => {
    const server = await start();
    const record = await people(server.client());
    const load = signInAndOut(server.client(), record, () => server.signal('SIGKILL'));
    const codes = spendRecoveryCodes(server.client(), record);
    await Promise.all([load, codes, server.exited]);
    expect(record.refused).toEqual([]);

    const again = await start();
    await expectAllOf(record, again.client());
    expect(await again.stop()).toBe(0);
    expect(await postmasterOf(dataDir)).toBeNull();
  });

  it('SECURITY 158: of the embedded PostgreSQL during 200 logins: it comes back by itself and everything holds', async () => {
    const server = await start();
    const client = server.client();
    const record: Acknowledged = { live: [], revoked: [], careful: [], refused: [] };
    const postmaster = await postmasterOf(dataDir);
    await signInAndOut(client, record, () => process.kill(postmaster!, 'SIGKILL'));
    while ((await client.get('/health/ready')).status !== 200) await sleep(100);

    expect(record.refused.filter((status) => status !== 503)).toEqual([]);
    await expectAllOf(record, client);
    expect(await server.stop()).toBe(0);
    expect(await postmasterOf(dataDir)).toBeNull();
  });

  it('SECURITY 19: of the server between two wrong passwords: those before it count after the restart', async () => {
    const email = 'dan@example.com';
    const server = await start();
    const { token } = await server.client().session('admin@example.com', PASSWORD);
    await server.client().addUser(token, email, PASSWORD);
    const guessFiveTimes = async (client: Client) => {
      for (let n = 0; n < 5; n++) expect((await client.signIn(email, 'wrong')).status).toBe(401);
    };
    await guessFiveTimes(server.client());
    await server.stop('SIGKILL');

    const again = (await start()).client();
    await guessFiveTimes(again);
    const { status, headers } = await again.signIn(email, PASSWORD);
    expect(status).toBe(429);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
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

/** What clients were told. */
interface Acknowledged {
  readonly live: string[];
  readonly revoked: string[];
  readonly careful: Careful[];
  readonly refused: number[];
}

/** Someone with recovery codes, and which of those were tried. */
interface Careful {
  readonly email: string;
  readonly codes: string[];
  readonly accepted: string[];
  readonly unanswered: string[];
}

/** Twenty people, three of them with a second factor. */
async function people(client: Client): Promise<Acknowledged> {
  const { token } = await client.session('admin@example.com', PASSWORD);
  await Promise.all(PEOPLE.map((email) => client.addUser(token, email, PASSWORD)));
  const careful = ['ann@example.com', 'ben@example.com', 'cy@example.com'];
  return {
    live: [token],
    revoked: [],
    careful: await Promise.all(careful.map((email) => becomeCareful(client, token, email))),
    refused: [],
  };
}

async function becomeCareful(client: Client, admin: string, email: string): Promise<Careful> {
  const id = await client.addUser(admin, email, PASSWORD);
  const { token } = await client.session(email, PASSWORD);
  return { email, codes: await client.enableTwoFactor(token, id, PASSWORD), accepted: [], unanswered: [] };
}

/** Signs people in and every third of them out again; calls `kill` on the way; ends when the connections do. */
async function signInAndOut(client: Client, record: Acknowledged, kill: () => void): Promise<void> {
  let begun = 0;
  let acknowledged = 0;
  const worker = async () => {
    while (begun < LOGINS) {
      const turn = begun++;
      const { status, body } = await client.signIn(PEOPLE[turn % PEOPLE.length]!, PASSWORD);
      if (status !== 201) {
        record.refused.push(status);
        continue;
      }
      const { token } = body.data.attributes;
      if (++acknowledged === KILLED_AFTER) kill();
      if (turn % 3 !== 0) record.live.push(token);
      else {
        const ended = await client.call('DELETE', `/api/v2/sessions/${body.data.id}`, token);
        if (ended.status === 204) record.revoked.push(token);
        else record.refused.push(ended.status);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, () => worker().catch(() => undefined)));
  expect(acknowledged).toBeGreaterThanOrEqual(KILLED_AFTER);
}

async function spendRecoveryCodes(client: Client, { careful, refused }: Acknowledged): Promise<void> {
  const spendAllOf = async (person: Careful) => {
    for (const code of person.codes) {
      const { id } = await client.session(person.email, PASSWORD);
      person.unanswered.push(code);
      const status = await spend(client, id, code);
      if (status !== 200) refused.push(status);
      person.accepted.push(person.unanswered.pop()!);
    }
  };
  await Promise.all(careful.map((person) => spendAllOf(person).catch(() => undefined)));
}

async function spend(client: Client, sessionId: string, otp: string): Promise<number> {
  const path = `/api/v2/sessions/${sessionId}/validate_otp`;
  return (await client.call('PUT', path, undefined, resource('sessions', { password: PASSWORD, otp })))
    .status;
}

async function expectAllOf({ live, revoked, careful }: Acknowledged, client: Client): Promise<void> {
  const statuses = (tokens: string[]) => Promise.all(tokens.map((token) => client.statusOf(token)));
  expect(new Set(await statuses(live))).toEqual(new Set([200]));
  expect(revoked).not.toEqual([]);
  expect(new Set(await statuses(revoked))).toEqual(new Set([401]));
  for (const { email, accepted, unanswered } of careful) {
    const { id } = await client.session(email, PASSWORD);
    for (const code of accepted.slice(0, 3)) expect(await spend(client, id, code)).toBe(422);
    for (const code of unanswered) {
      await spend(client, id, code); // counted before the kill or not: whichever, not a second time from here on
      const next = await client.session(email, PASSWORD);
      expect(await spend(client, next.id, code)).toBe(422);
    }
  }
}
