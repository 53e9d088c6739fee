import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../support/client.js';
import { freePort } from '../support/free-port.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { seen } from '../support/seen.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { SmallDisk } from '../support/small-disk.js';
import { until } from '../support/until.js';
import { WriteLoad } from '../support/write-load.js';

jest.setTimeout(120_000);

const PASSWORD = 'correct horse battery';
const MEGABYTES = 64;

const possible = SmallDisk.canBeMounted();
const ifPossible = possible ? describe : describe.skip;

ifPossible(`a full disk${possible ? '' : ' (skipped: only root, where it may mount, can make one)'}`, () => {
  let postgres: OwnPostgres;
  let disk: SmallDisk;
  let server: ServerProcess;
  let client: Client;
  let token: string;

  beforeAll(async () => {
    postgres = await OwnPostgres.create(await freePort());
    disk = await SmallDisk.mount(MEGABYTES, await postgres.owner());
    await postgres.start();
    await postgres.ask(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
    await postgres.ask('CREATE DATABASE latchkey TABLESPACE small');
    server = await ServerProcess.start({
      DATABASE_URL: postgres.url('latchkey'),
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
    });
    client = server.client();
    token = (await client.session('admin@example.com', PASSWORD)).token;
  });
  afterAll(async () => {
    await stopAllServers();
    await postgres.remove();
    await disk.unmount();
  });

  it('SECURITY 156: beneath the tables: what cannot be written is a 503, what is there is read, and with room again all goes on', async () => {
    const load = new WriteLoad(token, 'full');
    const writing = load.run(client, 8);
    await until(() => load.acknowledged >= 50);
    await disk.fill();
    const undecided = load.undecided + 50;
    await until(() => load.undecided >= undecided);
    for (const path of ['/api/v2/sessions/current', '/api/v2/sessions', '/api/v2/users/me']) {
      expect((await client.get(path, token)).status).toBe(200);
    }
    expect((await client.get('/health/ready')).status).toBe(200);
    await disk.free();
    const acknowledged = load.acknowledged + 100;
    await until(() => load.acknowledged >= acknowledged);
    load.stop();
    await writing;

    await load.expectKept(client);
    seen('disk full beneath the tables', { acknowledged: load.acknowledged, undecided: load.undecided });
  });

  it('beneath the write-ahead log: PostgreSQL falls; once it has room and runs all goes on', async () => {
    await postgres.keepLogAt(disk.path);
    await postgres.start();
    const load = new WriteLoad(token, 'logged');
    const writing = load.run(client, 8);
    await until(() => load.acknowledged >= 50);
    await disk.fill();
    const undecided = load.undecided + 20;
    while (load.undecided < undecided) {
      // Each time it needs a new file sooner; at last it finds no room for one, and falls.
      await postgres.ask('SELECT pg_switch_wal()').catch(() => sleep(50));
    }
    expect((await client.get('/health/live')).status).toBe(200);
    await disk.free();
    const acknowledged = load.acknowledged + 50;
    while (load.acknowledged < acknowledged) {
      if (!(await postgres.isRunning())) await postgres.start();
      await sleep(50);
    }
    load.stop();
    await writing;

    await load.expectKept(client);
    expect(server.log.filter(({ msg }) => msg === 'bug')).toEqual([]);
    seen('disk full beneath the log', { acknowledged: load.acknowledged, undecided: load.undecided });
  });
});
