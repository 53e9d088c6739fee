import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';

const ROOT = join(import.meta.dirname, '..', '..');
const ADMIN = { ADMIN_EMAIL: 'root@example.com', ADMIN_PASSWORD: 'correct horse battery staple' };

jest.setTimeout(120_000);

/** `npm run test:acceptance`, of some files only if they are named; nothing of our own environment comes along. */
async function accept(
  environment: Record<string, string>,
  ...files: string[]
): Promise<{ code: number | null; said: string }> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...environment };
  const child = spawn('npm', ['run', '--silent', 'test:acceptance', '--', ...files], { cwd: ROOT, env });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

describe('npm run test:acceptance', () => {
  let database: TestDatabase;
  let here: Record<string, string>;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    here = { DATABASE_URL: database.url, SECRET_KEY: process.env.SECRET_KEY!, ...ADMIN };
  });
  afterEach(stopAllServers);
  afterAll(() => database.drop());

  it('passes against a deployment that serves everything, and leaves nothing live behind', async () => {
    const server = await ServerProcess.start({ ...here, QA_MODE: 'true' });
    expect(server.lines[0]).toMatch(/^QA_MODE IS ON/);
    expect(server.lines).toContainEqual(expect.stringMatching(/\/qa\/outbox; nothing is sent$/));
    const { code, said } = await accept({ LATCHKEY_URL: server.url, ...ADMIN });
    expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/^\d+ passed, 0 failed$/m) });
    expect(said).toContain('native, lendix, clerk, portos, zitadel; nothing is left out');
    const live = `SELECT id FROM sessions WHERE status IN ('active', 'pending_otp')`;
    expect(await ask(database.url, live)).toEqual([]);
    const users = await ask(database.url, `SELECT email FROM users WHERE status = 'active'`);
    expect(users).toEqual([{ email: ADMIN.ADMIN_EMAIL }]);
  });

  it('says what it leaves out of a deployment that serves less', async () => {
    const server = await ServerProcess.start({ ...here, FACES: 'portos', DOCS: 'false' });
    const { code, said } = await accept({ LATCHKEY_URL: server.url, ...ADMIN }, 'apis', 'service');
    expect({ code, said }).toEqual({
      code: 0,
      said: expect.stringMatching(/^\d+ passed, 0 failed, \d+ skipped$/m),
    });
    expect(said).toContain(
      'native, portos; left out: lendix (not in FACES), clerk (not in FACES), zitadel (not in FACES), the documentation (DOCS is off), codes and the clock (QA_MODE is off)',
    );
  });

  it.each([
    ['LATCHKEY_URL, ADMIN_PASSWORD must be set', { ADMIN_EMAIL: 'root@example.com' }],
    ['does not answer', { LATCHKEY_URL: 'http://127.0.0.1:9', ...ADMIN }],
  ])('refuses to start with a sentence, and no stack: %s', async (sentence, environment) => {
    const { code, said } = await accept(environment);
    expect({ code, said }).toEqual({ code: 2, said: expect.stringContaining(sentence) });
    expect(said).toMatch(/^The acceptance suite cannot start: /m);
    expect(said).not.toMatch(/^\s+at /m);
  });
});
