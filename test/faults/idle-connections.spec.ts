import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import type { Client } from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { findProgram } from '../support/programs.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { until } from '../support/until.js';

jest.setTimeout(120_000);

const PASSWORD = 'correct horse battery';
const REQUEST = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n';
const IDLE = 5_000;
/** Files that the server may have open, connections among them, once it is short of them. */
const FEW_FILES = 256;

const { userLimits } = process.report.getReport() as unknown as {
  userLimits: { open_files: { soft: number | 'unlimited' } };
};
const files = userLimits.open_files.soft;
const enough = files === 'unlimited' || files > IDLE + 500;
const ifEnough = enough ? it : it.skip;
const tooFew = enough ? '' : ` (skipped: a process may open ${files} files here)`;

const prlimit = findProgram('prlimit');
const ifLimited = prlimit === null ? it.skip : it;
const unlimited = prlimit === null ? ' (skipped: prlimit is not installed)' : '';

describe('idle connections', () => {
  let database: TestDatabase;
  let server: ServerProcess;
  let client: Client;
  let token: string;
  let sockets: Socket[];

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    sockets = [];
    server = await ServerProcess.start({
      DATABASE_URL: database.url,
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    });
    client = server.client();
    token = (await client.session('admin@example.com', PASSWORD)).token;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    client.close();
    expect(server.log.filter(({ msg }) => msg === 'bug')).toEqual([]);
    await stopAllServers();
  });

  ifEnough(`SECURITY 125: five thousand that were answered once keep nobody waiting${tooFew}`, async () => {
    while (sockets.length < IDLE) await open(100);
    expect(sockets.filter(({ closed }) => closed)).toEqual([]);
    expect(await client.statusOf(token)).toBe(200);
    const { id, token: another } = await client.session('admin@example.com', PASSWORD);
    expect((await client.call('DELETE', `/api/v2/sessions/${id}`, another)).status).toBe(204);
    expect(await client.statusOf(another)).toBe(401);
  });

  ifLimited(
    `SECURITY 167: more than it may have open are closed, and afterwards all is well${unlimited}`,
    async () => {
      execFileSync(prlimit!, ['--pid', String(server.pid), `--nofile=${FEW_FILES}:${FEW_FILES}`]);
      while (sockets.length < 2 * FEW_FILES) await open(32);
      expect(sockets.some(({ closed }) => closed)).toBe(true);
      expect(sockets.some(({ closed }) => !closed)).toBe(true);
      // Whoever is connected is answered, if only that there is nothing left for a connection to PostgreSQL.
      const asked = await Promise.all(
        Array.from({ length: 16 }, () => client.statusOf(token).catch(() => 'closed')),
      );
      expect(asked.filter((status) => ![200, 503, 'closed'].includes(status))).toEqual([]);

      for (const socket of sockets) socket.destroy();
      await until(async () => (await client.statusOf(token).catch(() => 0)) === 200);
      expect((await client.signIn('admin@example.com', PASSWORD)).status).toBe(201);
      expect(server.isRunning).toBe(true);
    },
  );

  /** Opens so many connections, asks on each once, and waits until that was answered or the connection closed. */
  async function open(count: number): Promise<void> {
    const more = Array.from({ length: count }, () => connect(server.port, '127.0.0.1'));
    sockets.push(...more);
    await Promise.all(
      more.map(
        (socket) =>
          new Promise<void>((settled) => {
            const done = () => settled();
            socket.on('error', done).on('close', done).on('data', done).write(REQUEST);
          }),
      ),
    );
  }
});
