import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { built } from '../support/built.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { isRunning, makeDataDir, postmasterOf, removeDataDir } from '../support/data-dir.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const PASSWORD = 'correct horse battery';
const WORKERS = 2;

describe('with WEB_CONCURRENCY', () => {
  let database: TestDatabase;
  let settings: Record<string, string>;
  let server: ServerProcess;

  beforeAll(async () => {
    database = await createTestDatabase();
    settings = {
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
      WEB_CONCURRENCY: String(WORKERS),
    };
    server = await ServerProcess.start(settings);
  });
  afterAll(async () => {
    await stopAllServers();
    await database.drop();
  });

  it('several processes serve one port, and greet once', () => {
    expect(workersOf(server)).toHaveLength(WORKERS);
    expect(server.lines.filter((line) => line.startsWith('Latchkey listens on '))).toHaveLength(1);
    expect(server.lines).toContain(`Processes:      ${WORKERS}`);
    expect(server.complaints).toBe('');
  });

  it('each of them refuses a token on the very next request after any of them revoked it', async () => {
    for (let round = 0; round < 20; round++) {
      const { id, token } = await freshly(server).session('admin@example.com', PASSWORD);
      expect(await statuses(server, token)).toEqual([200, 200, 200, 200]);
      expect((await freshly(server).call('DELETE', `/api/v2/sessions/${id}`, token)).status).toBe(204);
      expect(await statuses(server, token)).toEqual([401, 401, 401, 401]);
    }
  });

  it('the metrics are those of all of them, whichever is asked', async () => {
    await Promise.all(Array.from({ length: 12 }, () => fetch(`${server.url}/health/live`)));
    const counted = async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      return Number(/http_requests_total\{[^}]*route="\/health\/live"[^}]*\} (\d+)/.exec(text)?.[1]);
    };
    while ((await counted()) < 12); // what is counted once the answer has left
    for (let asked = 0; asked < 6; asked++) expect(await counted()).toBe(12);
  });

  it('a start on a port that is taken ends with the reason', async () => {
    const second = ServerProcess.spawn({ ...settings, PORT: String(server.port) });
    expect(await second.exited).toBe(1);
    expect(second.complaints).toContain(`port ${server.port} is taken: set PORT to another`);
  });

  it('one that is killed is replaced, the others serve meanwhile, and a signal to the first ends all', async () => {
    const [killed = 0] = workersOf(server);
    process.kill(killed, 'SIGKILL');
    await until(() => !isRunning(killed));
    expect((await freshly(server).get('/health/ready')).status).toBe(200);
    await until(() => workersOf(server).filter((pid) => pid !== killed).length === WORKERS);
    const workers = workersOf(server);
    expect(await server.stop()).toBe(0);
    expect(server.complaints).toBe('A process ended (SIGKILL): starting another\nSIGTERM: stopping\n');
    expect(workers.filter(isRunning)).toEqual([]);
  });

  it('the first outlives what it sends to one that has just died', async () => {
    const script = `
      import cluster from 'node:cluster';
      import { Workers } from '${pathToFileURL(join(await built(), 'workers.js')).href}';
      const listens = 'import("node:http").then((http) => http.createServer().listen(0))';
      cluster.setupPrimary({ exec: '/dev/null', execArgv: ['--import', 'data:text/javascript,' + listens] });
      await new Workers({ url: '', secretKey: Buffer.alloc(0) }, () => undefined).start(1);
      const [worker] = Object.values(cluster.workers);
      process.kill(worker.process.pid, 'SIGKILL');
      for (const end = Date.now() + 200; Date.now() < end; ); // it is dead, and nobody has been told yet
      for (const question of ['one', 'another']) worker.send(question);
      setTimeout(() => process.exit(7), 100);`;
    const first = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    expect(await once(first, 'exit')).toEqual([7, null]);
  });

  it('the death of the first is the end of all', async () => {
    const orphaned = await ServerProcess.start(settings);
    const workers = workersOf(orphaned);
    expect(workers).toHaveLength(WORKERS);
    expect(await orphaned.stop('SIGKILL')).toBeNull();
    await until(() => !workers.some(isRunning));
  });
});

describe('with WEB_CONCURRENCY on the embedded database', () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await makeDataDir();
  });
  afterAll(async () => {
    await stopAllServers();
    await removeDataDir(dataDir);
  });

  it('a newcomer signs in, and the database ends with the last process', async () => {
    const server = await ServerProcess.start({ DATA_DIR: dataDir, WEB_CONCURRENCY: String(WORKERS) });
    const { token } = await server.client().session('admin@example.com', server.password!);
    expect(await statuses(server, token)).toEqual([200, 200, 200, 200]);
    expect(await server.stop()).toBe(0);
    expect(await postmasterOf(dataDir)).toBeNull();
  });
});

/** What a token is answered over so many new connections. */
function statuses(server: ServerProcess, token: string): Promise<number[]> {
  return Promise.all(Array.from({ length: 2 * WORKERS }, () => freshly(server).statusOf(token)));
}

/** A client with a connection of its own, which any of the processes may have accepted. */
function freshly(server: ServerProcess) {
  return server.client(1);
}

function workersOf(server: ServerProcess): number[] {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(server.pid)]).toString();
  return children.trim().split(/\s+/).filter(Boolean).map(Number);
}
