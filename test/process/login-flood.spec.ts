import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';

jest.setTimeout(60_000);

const PASSWORD = 'correct horse battery';
const LOGINS = 100;

describe('a hundred sign-ins at once', () => {
  let database: TestDatabase;
  let server: ServerProcess;
  let token: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    server = await ServerProcess.start({
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
      BCRYPT_COST: '9',
    });
    token = (await server.client().session('admin@example.com', PASSWORD)).token;
  });

  afterAll(async () => {
    await stopAllServers();
    await database.drop();
  });

  it('SECURITY 168: are turned away beyond the line, and what others ask is answered while they stand in it', async () => {
    const flood = server.client(LOGINS);
    const statuses: number[] = [];
    const logins = Array.from({ length: LOGINS }, async (_, n) => {
      const { status, headers, body } = await flood.signIn(`nobody${n}@example.com`, PASSWORD);
      statuses.push(status);
      if (status !== 503) return;
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(body.errors[0].status).toBe('503');
    });
    const bystander = server.client(1);
    let readsWhileTheyStood = 0;
    while (statuses.length < LOGINS) {
      expect(await bystander.statusOf(token)).toBe(200);
      if (statuses.length < LOGINS) readsWhileTheyStood++;
    }
    await Promise.all(logins);

    const looked = statuses.filter((status) => status === 401).length;
    expect(statuses.every((status) => status === 401 || status === 503)).toBe(true);
    // One runs or more, 64 wait: the rest hears at once that there is no room, not after its turn would have come.
    expect(looked).toBeGreaterThanOrEqual(65);
    expect(looked).toBeLessThan(LOGINS);
    expect(statuses.lastIndexOf(503)).toBeLessThan(statuses.lastIndexOf(401));
    // Were the hashes computed on the event loop, a read would be answered between two of them at best.
    expect(readsWhileTheyStood).toBeGreaterThan(looked);
  });

  it('count as no failures when they were turned away: afterwards the door is open', async () => {
    expect((await server.client().signIn('admin@example.com', PASSWORD)).status).toBe(201);
  });
});
