import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/free-port.js';
import { lockTable, untilSomeoneWaits } from '../support/locks.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';

jest.setTimeout(60_000);

const PASSWORD = 'correct horse battery';
const SECRET_KEY = '0123456789abcdef'.repeat(4);

describe('SIGTERM and SIGINT', () => {
  let database: TestDatabase;
  let hanging: ServerProcess;
  let hung: Socket;

  beforeAll(async () => {
    database = await createTestDatabase();
    // It takes its ten seconds while the others are tried.
    hanging = await start();
    hung = await beginRequest(hanging.port);
    hanging.signal('SIGTERM');
  });

  afterAll(async () => {
    hung.destroy();
    await stopAllServers();
    await database.drop();
  });

  const start = () =>
    ServerProcess.start({
      DATABASE_URL: database.url,
      SECRET_KEY,
      ADMIN_PASSWORD: PASSWORD,
      LOG_LEVEL: 'info',
    });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'SECURITY 159: %s: what runs is finished and told to close, who comes then is refused, exit 0',
    async (signal) => {
      const server = await start();
      const client = server.client();
      const { token } = await client.session('admin@example.com', PASSWORD);
      const unlock = await lockTable(database.url, 'sessions');
      const running = client.get('/api/v2/sessions/current', token);
      await untilSomeoneWaits(database.url);

      server.signal(signal);
      await untilStopping(server);
      await expect(server.client().get('/health/live')).rejects.toThrow('ECONNREFUSED');
      await unlock();
      const { status, headers } = await running;
      expect([status, headers.connection]).toEqual([200, 'close']);
      expect(await server.exited).toBe(0);
      expect(server.complaints).toBe('');
    },
  );

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s sent to npm ends the server it started, and npm with 0',
    async (signal) => {
      const server = await ServerProcess.npmStart({
        DATABASE_URL: database.url,
        SECRET_KEY,
        LOG_LEVEL: 'info',
      });
      const { port } = server;
      expect(await server.stop(signal)).toBe(0);
      expect(server.log.at(-1)).toMatchObject({ msg: `${signal}: stopping` });
      await expect(new Client(port, 1).get('/health/live')).rejects.toThrow('ECONNREFUSED');
    },
  );

  it('SECURITY 159: under load no request goes without its answer', async () => {
    const server = await start();
    const statuses: number[] = [];
    const count = (status: number) => {
      if (statuses.push(status) === 60) server.signal('SIGTERM');
    };
    const busyUntilToldToClose = async () => {
      const client = server.client(1);
      for (;;) {
        const signedIn = await client.signIn('admin@example.com', PASSWORD);
        count(signedIn.status);
        if (signedIn.headers.connection === 'close') return;
        const { status, headers } = await client.get('/api/v2/sessions', signedIn.body.data.attributes.token);
        count(status);
        if (headers.connection === 'close') return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, busyUntilToldToClose));
    expect(statuses.filter((status) => status !== 200 && status !== 201)).toEqual([]);
    expect(await server.exited).toBe(0);
  });

  it('SECURITY 160: a request that hangs is cut off at last, and more signals break nothing', async () => {
    hanging.signal('SIGTERM');
    hanging.signal('SIGINT');
    expect(await hanging.exited).toBe(0);
    expect(hanging.log.filter(({ msg }) => /stopping failed|SIG/.test(String(msg)))).toEqual([
      expect.objectContaining({ msg: 'SIGTERM: stopping' }),
    ]);
  });

  it('SECURITY 172: end a server whose log has no room as any other; until then it serves', async () => {
    const port = await freePort();
    const fullDisk = `import fs from 'node:fs'; fs.closeSync(1); fs.openSync('/dev/full', 'w');`;
    const settings = { DATABASE_URL: database.url, SECRET_KEY, PORT: String(port), LOG_LEVEL: 'info' };
    const server = ServerProcess.spawn(settings, fullDisk);
    const client = new Client(port, 4);
    while ((await client.get('/health/live').catch(() => null)) === null && server.isRunning) await sleep(50);
    for (let n = 0; n < 5; n++) {
      expect((await client.signIn('admin@example.com', PASSWORD)).status).toBe(201);
    }
    expect(await server.stop()).toBe(0);
  });

  it('leave no connection to the database', async () => {
    const left = `SELECT state FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'latchkey%'`;
    while ((await ask(database.url, left)).length > 0) await sleep(50);
  });
});

/** A request of which the rest never comes. */
async function beginRequest(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  const type = 'application/vnd.api+json';
  socket.write(
    `POST /api/v2/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 99\r\n\r\n{`,
  );
  await sleep(100); // until it is being read
  return socket;
}

async function untilStopping(server: ServerProcess): Promise<void> {
  while (!server.log.some(({ msg }) => String(msg).endsWith(': stopping'))) await sleep(20);
}
