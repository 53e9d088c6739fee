import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { migrations } from '../../ormconfig.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeDataDir, postmasterOf, removeDataDir } from '../support/data-dir.js';
import { freePort } from '../support/free-port.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';

const SECRET_KEY = '0123456789abcdef'.repeat(4);
const execute = promisify(execFile);

jest.setTimeout(60_000);
afterEach(stopAllServers);

describe('a newcomer', () => {
  let dataDir: string;
  let token: string;

  beforeAll(async () => {
    dataDir = await makeDataDir();
  });
  afterAll(() => removeDataDir(dataDir));

  it('has a session: the first start prints where, who, the password, and a line that signs in', async () => {
    const server = await ServerProcess.start({ DATA_DIR: dataDir });
    const printed = server.lines.join('\n');
    expect(printed).toContain(`Latchkey listens on http://localhost:${server.port}`);
    expect(printed).toContain(`http://localhost:${server.port}/docs`);
    expect(printed).toMatch(/^Administrator: +admin@example\.com$/m);
    expect(server.password).toMatch(/^\w{20}$/);
    expect(printed).toContain('Codes by SMS are printed here: SMS_WEBHOOK_URL is not set');
    expect(printed).toContain('Codes by mail are printed here: SMTP_URL is not set');

    const { stdout } = await execute('bash', ['-c', `${server.lines.at(-1)} -w '\\n%{http_code}'`]);
    const [answer = '', status] = stdout.trim().split('\n');
    expect(status).toBe('201');
    token = JSON.parse(answer).data.attributes.token;
    expect(await server.client().statusOf(token)).toBe(200);
    expect(await server.stop()).toBe(0);
    expect(server.complaints).toBe('');
    expect(await postmasterOf(dataDir)).toBeNull();
  });

  it('finds everything again after a restart, and no password is printed any more', async () => {
    const server = await ServerProcess.start({ DATA_DIR: dataDir });
    expect(server.lines.join('\n')).not.toMatch(/^(Password|Administrator):/m);
    expect(await server.client().statusOf(token)).toBe(200);

    const second = ServerProcess.spawn({ DATA_DIR: dataDir });
    expect(await second.exited).toBe(1);
    expect(second.complaints).toBe(
      `Latchkey cannot start: DATA_DIR ${dataDir} is in use by another Latchkey server: stop that one, or give this one a DATA_DIR of its own\n`,
    );
    expect(await server.client().statusOf(token)).toBe(200);
  });
});

describe('a start', () => {
  let database: TestDatabase;
  let here: Record<string, string>;

  beforeAll(async () => {
    database = await createTestDatabase();
    here = { DATABASE_URL: database.url, SECRET_KEY };
  });
  afterAll(() => database.drop());

  async function complaintOf(settings: Record<string, string>): Promise<string> {
    const server = ServerProcess.spawn(settings);
    expect(await server.exited).toBe(1);
    expect(server.url).toBe('');
    return server.complaints;
  }

  it('SECURITY 170: that is refused names everything that is wrong at once, and repeats no value', async () => {
    const complaint = await complaintOf({
      PORT: '3000x',
      DATABASE_URL: 'mysql://root:hunter2@localhost/latchkey',
      SECRET_KEY: 'short',
      BCRYPT_COST: '9',
      NODE_ENV: 'production',
    });
    expect(complaint).not.toMatch(/3000x|hunter2|short/);
    expect(complaint.trimEnd().split('\n')).toEqual([
      'Latchkey cannot start:',
      expect.stringMatching(/^ {2}- PORT must be/),
      expect.stringMatching(/^ {2}- DATABASE_URL must look like/),
      expect.stringMatching(/^ {2}- SECRET_KEY must be 64 hex digits/),
      expect.stringMatching(/^ {2}- BCRYPT_COST must be a whole number from 10/),
    ]);
  });

  it.each([
    [
      'SECRET_KEY is missing beside DATABASE_URL',
      () => ({ SECRET_KEY: '' }),
      /SECRET_KEY is required with DATABASE_URL/,
    ],
    ['the administrator’s password is too common', () => ({ ADMIN_PASSWORD: 'password' }), /ADMIN_PASSWORD/],
    ['the administrator’s address is none', () => ({ ADMIN_EMAIL: 'nobody' }), /ADMIN_EMAIL/],
    [
      'the database is not there',
      () => ({ DATABASE_URL: database.url.replace(/\w+$/, 'no_such_database') }),
      /no_such_database/,
    ],
  ])('is refused with a sentence when %s', async (_, wrong, sentence) => {
    const complaint = await complaintOf({ ...here, ...wrong() });
    expect(complaint).toMatch(/^Latchkey cannot start:/);
    expect(complaint).toMatch(sentence);
    expect(complaint).not.toMatch(/^\s+at /m);
    expect(await ask(database.url, 'SELECT id FROM users')).toEqual([]);
  });

  it('takes the administrator of ADMIN_EMAIL and ADMIN_PASSWORD, and prints no password that it was given; starts on no taken port and under no other key', async () => {
    const [email, password] = ['Root@example.com', 'it’s a $(long) "one"'];
    const server = await ServerProcess.start({ ...here, ADMIN_EMAIL: email, ADMIN_PASSWORD: password });
    expect(server.lines.join('\n')).toMatch(/^Administrator: +Root@example\.com$/m);
    expect(server.lines.join('\n')).not.toContain('long');
    expect((await server.client().signIn('root@example.com', password)).status).toBe(201);

    const complaint = await complaintOf({ ...here, PORT: String(server.port) });
    expect(complaint).toBe(
      `Latchkey cannot start: port ${server.port} is taken: set PORT to another, or 0 for any\n`,
    );
    expect(await server.stop()).toBe(0);

    const otherKey = await complaintOf({ ...here, SECRET_KEY: 'f'.repeat(64) });
    expect(otherKey).toBe(
      'Latchkey cannot start: SECRET_KEY is not the one that sealed the keys in this database\n',
    );
  });

  it('waits for a database that does not answer yet, and can be stopped meanwhile', async () => {
    const port = await freePort();
    const server = ServerProcess.spawn({ ...here, DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c` });
    while (server.complaints === '') await sleep(20);
    expect(server.complaints).toBe('The database does not answer yet: waiting for it\n');
    expect(await server.stop()).toBe(0);
  });

  it('SECURITY 161: of five processes on an empty database migrates once, and all come up', async () => {
    const empty = await createEmptyDatabase();
    const settings = { DATABASE_URL: empty.url, SECRET_KEY };
    const servers = await Promise.all([1, 2, 3, 4, 5].map(() => ServerProcess.start(settings)));
    const ran = await ask<{ name: string }>(empty.url, 'SELECT name FROM migrations ORDER BY id');
    expect(ran.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name));
    const keys = await ask(empty.url, 'SELECT algorithm FROM signing_keys ORDER BY 1');
    expect(keys).toEqual([{ algorithm: 'ES256' }, { algorithm: 'RS256' }]);
    const passwords = servers.flatMap(({ password }) => password ?? []);
    expect(passwords).toHaveLength(1);
    for (const server of servers) {
      expect((await server.client().signIn('admin@example.com', passwords[0]!)).status).toBe(201);
    }
    expect(await Promise.all(servers.map((server) => server.stop()))).toEqual([0, 0, 0, 0, 0]);
    await empty.drop();
  });
});

describe('a signal while it starts', () => {
  it('leaves no PostgreSQL behind', async () => {
    const dataDir = await makeDataDir();
    const server = ServerProcess.spawn({ DATA_DIR: dataDir });
    while ((await postmasterOf(dataDir)) === null && server.isRunning) await sleep(5);
    await server.stop('SIGINT');
    expect(await postmasterOf(dataDir)).toBeNull();
    const again = await ServerProcess.start({ DATA_DIR: dataDir });
    expect(await again.stop()).toBe(0);
    await removeDataDir(dataDir);
  });
});
