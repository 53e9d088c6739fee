import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Config } from '../../src/config.js';
import { openDatabase, type Database } from '../../src/database/open.js';
import { until } from '../support/until.js';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the embedded database', () => {
  let dataDir: string;
  const open: { close(): Promise<unknown> }[] = [];

  beforeAll(async () => {
    dataDir = await directory();
  });

  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });

  afterAll(async () => {
    await rm(dataDir, { recursive: true, force: true });
  });

  async function here(role: 'server' | 'command', notices: string[] = []): Promise<Database> {
    const config = new Config({ DATA_DIR: dataDir });
    const database = await openDatabase(config, role, (line) => notices.push(line));
    open.push(database);
    return database;
  }

  async function elsewhere(role: 'server' | 'command', inDirectory = dataDir): Promise<Latchkey> {
    const other = new Latchkey(inDirectory, role);
    open.push(other);
    await other.ready;
    return other;
  }

  it('is made on first use, with its secrets for the owner only', async () => {
    const database = await here('server');
    expect(database.secretKey).toHaveLength(32);
    for (const file of ['postgres.password', 'secret.key']) {
      expect((await stat(join(dataDir, file))).mode & 0o777).toBe(0o600);
    }
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.password', 'secret.key']);
  });

  it('keeps what it acknowledged, listens on this machine only, and logs no statements', async () => {
    const { url } = await here('command');
    expect(
      await ask(
        url,
        `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS sync,
           current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets,
           current_setting('server_encoding') AS encoding, current_setting('password_encryption') AS passwords,
           current_setting('log_min_error_statement') AS logs, lower('É') AS lower`,
      ),
    ).toEqual([
      {
        fsync: 'on',
        sync: 'on',
        listens: '127.0.0.1',
        sockets: '',
        encoding: 'UTF8',
        passwords: 'scram-sha-256',
        logs: 'panic',
        lower: 'é',
      },
    ]);
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('refuses a second server, and lets commands in beside the first', async () => {
    const server = await elsewhere('server');
    await expect(here('server')).rejects.toThrow(/DATA_DIR .* is in use by another Latchkey server/);
    const command = await here('command');
    expect(command.url).toBe(server.url);
    expect(command.secretKey.toString('hex')).toBe(server.key);
    expect(await ask(command.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is stopped by the one who leaves last', async () => {
    const server = await elsewhere('server');
    const command = await here('command');
    await server.close();
    expect(await ask(command.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await command.close();
    await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  });

  it('is stopped when the last two leave at once', async () => {
    const both = await Promise.all([elsewhere('command'), elsewhere('command')]);
    await Promise.all(both.map((each) => each.close()));
    await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  });

  it('is taken over, with all it holds, from a server that was killed', async () => {
    const killed = await elsewhere('server');
    await ask(killed.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const postmaster = await postmasterOf(dataDir);
    await killed.kill();
    const { url } = await here('server');
    expect(await ask(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await postmasterOf(dataDir)).toBe(postmaster);
  });

  it('comes back at the same address when it dies under a server', async () => {
    const notices: string[] = [];
    const { url } = await here('server', notices);
    process.kill(await postmasterOf(dataDir), 'SIGKILL');
    await until(() => notices.includes('The embedded database is back'));
    expect(await ask(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await expect(elsewhere('server')).rejects.toThrow('in use by another Latchkey server');
  });

  it('starts although a crash left the number of a process that is something else by now', async () => {
    const lock = join(dataDir, 'postgres', 'postmaster.pid');
    await writeFile(lock, `${process.pid}\n${join(dataDir, 'postgres')}\n1\n1\n\n127.0.0.1\n\nready\n`);
    const { url } = await here('server');
    expect(await ask(url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it.each(['postgres.password', 'secret.key'])(
    'says so when %s is lost, and makes no new one',
    async (name) => {
      const file = join(dataDir, name);
      await rename(file, `${file}.away`);
      await expect(here('server')).rejects.toThrow(`${file} is missing`);
      await rename(`${file}.away`, file);
      expect(await ask((await here('server')).url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    },
  );

  it('is made once by processes that start together, whatever an interrupted start left', async () => {
    const fresh = await directory();
    try {
      await mkdir(join(fresh, 'postgres.999999999.tmp', 'cluster'), { recursive: true });
      const several = await Promise.all([1, 2, 3].map(() => elsewhere('command', fresh)));
      expect(new Set(several.map(({ url, key }) => `${url} ${key}`)).size).toBe(1);
      expect((await readdir(fresh)).sort()).toEqual(['postgres', 'postgres.password', 'secret.key']);
      await Promise.all(several.map((each) => each.close()));
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  });
});

/** Another Latchkey process. */
class Latchkey {
  url = '';
  key = '';
  readonly ready: Promise<void>;
  private readonly child: ChildProcess;

  constructor(dataDir: string, role: string) {
    const args = [
      '--import',
      './test/support/typescript.js',
      'test/database/embedded-process.ts',
      dataDir,
      role,
    ];
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, NODE_OPTIONS: '' } });
    this.child = child;
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    this.ready = new Promise((resolve, reject) => {
      child.once('close', () => reject(new Error(complaint)));
      child.stdout.once('data', (line: Buffer) => {
        Object.assign(this, JSON.parse(line.toString()));
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.child.stdin?.end();
    await this.gone();
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.gone();
  }

  private async gone(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}

async function directory(): Promise<string> {
  const created = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  await chmod(created, 0o711);
  return created;
}

async function postmasterOf(dataDir: string): Promise<number> {
  const lock = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
  return Number(lock.split('\n')[0]);
}

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
