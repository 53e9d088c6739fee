import { afterAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase } from '../support/database.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';

/** Lets whatever a process does a minute after its start be done at once. */
const HASTE = `
  const { setTimeout: real } = globalThis;
  globalThis.setTimeout = (work, after, ...rest) => real(work, after === 60000 ? 10 : after, ...rest);`;

describe('a server', () => {
  afterAll(() => stopAllServers());

  it('SECURITY 173: removes by itself, a minute after its start, what was over long ago', async () => {
    const database = await createTestDatabase();
    try {
      await ask(
        database.url,
        `WITH someone AS (
           INSERT INTO users (email, email_key, created_at, updated_at) VALUES ('a@example.com', 'a@example.com', now(), now())
           RETURNING id)
         INSERT INTO sessions (user_id, status, token_hash, created_at, last_activity_at, ended_at)
         SELECT id, 'ended', sha256('x'), at, at, at FROM someone, (SELECT now() - interval '31 days' AS at) old`,
      );
      const settings = { DATABASE_URL: database.url, SECRET_KEY: '0123456789abcdef'.repeat(4) };
      const server = await ServerProcess.start({ ...settings, LOG_LEVEL: 'info' }, HASTE);
      while ((await ask(database.url, 'SELECT FROM sessions')).length > 0) await sleep(20);
      const line = () => server.log.find(({ msg }) => msg === 'what was old is removed');
      while (line() === undefined) await sleep(20);
      expect(line()).toMatchObject({ removed: { sessions: 1, events: 0 } });
      expect(await server.stop()).toBe(0);
    } finally {
      await stopAllServers();
      await database.drop();
    }
  });
});
