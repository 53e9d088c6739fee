import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../support/client.js';
import { Forwarder } from '../support/forwarder.js';
import { freePort } from '../support/free-port.js';
import { Nginx, NGINX } from '../support/nginx.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { expectWhole } from '../support/whole.js';
import { WriteLoad } from '../support/write-load.js';

jest.setTimeout(120_000);

const PASSWORD = 'correct horse battery';
const WORKERS = 6;
const entrance = NGINX === null ? 'without nginx, which is not installed' : 'behind nginx';

/** A primary that answers for nothing which its replica does not have, and two instances that know one address. */
describe(`Two instances ${entrance}, on a PostgreSQL with a synchronous replica`, () => {
  let primary: OwnPostgres;
  let replica: OwnPostgres;
  let ports: { primary: number; replica: number };
  let address: Forwarder;
  let one: ServerProcess;
  let other: ServerProcess;
  let nginx: Nginx | null;
  let client: Client;
  let admin: string;
  let settings: Record<string, string>;

  beforeAll(async () => {
    ports = { primary: await freePort(), replica: await freePort() };
    primary = await OwnPostgres.create(ports.primary);
    await primary.start();
    await primary.ask('CREATE DATABASE latchkey');
    await primary.stop();
    replica = await primary.standby(ports.replica, 'replica');
    await Promise.all([primary.start({ synchronous_standby_names: 'replica' }), replica.start()]);
    address = await Forwarder.to(ports.primary);
    const url = new URL(primary.url('latchkey'));
    url.port = String(address.port);
    settings = {
      DATABASE_URL: url.href,
      DATABASE_REPLICA_URL: replica.url('latchkey'),
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
      TRUST_PROXY: 'loopback',
    };
    one = await ServerProcess.start(settings);
    other = await ServerProcess.start(settings);
    nginx = NGINX === null ? null : await Nginx.before([one.port, other.port]);
    client = nginx === null ? one.client(WORKERS) : new Client(nginx.port, WORKERS);
    admin = (await client.session('admin@example.com', PASSWORD)).token;
  });

  afterAll(async () => {
    client.close();
    await nginx?.stop();
    await stopAllServers();
    await address.close();
    await Promise.all([primary.remove(), replica.remove()]);
  });

  it('no acknowledged write is lost and no revocation forgotten when the primary is killed and the replica promoted', async () => {
    const state = await primary.ask(
      `SELECT sync_state FROM pg_stat_replication WHERE application_name = 'replica'`,
    );
    expect(state).toEqual([{ sync_state: 'sync' }]);
    const load = new WriteLoad(admin, 'failover');
    const writing = load.run(client, WORKERS);
    const revoking = new Revocations(one.client(), other.client());
    await written(load, 150);
    await primary.kill();
    await failing(load);
    await replica.ask('SELECT pg_promote()');
    address.lead(ports.replica);
    await written(load, 150);
    load.stop();
    await Promise.all([writing, revoking.stop()]);
    expect(revoking.answered).toBeGreaterThan(0);
    expect(revoking.forgotten).toEqual([]);
    for (const instance of [one, other]) await load.expectKept(instance.client());
    await expectWhole(replica.url('latchkey'));
    expect([one.isRunning, other.isRunning]).toEqual([true, true]);
    expect([...one.log, ...other.log].filter(({ msg }) => msg === 'bug')).toEqual([]);
  });

  const throughNginx = NGINX === null ? it.skip : it;
  throughNginx('an instance that is stopped in order and started again is missed by nobody', async () => {
    const load = new WriteLoad(admin, 'rolling');
    const writing = load.run(client, WORKERS);
    await written(load, 40);
    const { port } = other;
    expect(await other.stop()).toBe(0);
    await written(load, 50);
    other = await ServerProcess.start({ ...settings, PORT: String(port) });
    await written(load, 50);
    load.stop();
    await writing;
    expect([load.undecided, load.wrong]).toEqual([0, []]);
    await load.expectKept(other.client());
  });
});

/** Signs in at one instance, out again there, and tries the token at the other one, over and over. */
class Revocations {
  answered = 0;
  /** Tokens that were accepted after it was answered that they are not. */
  readonly forgotten: string[] = [];
  private stopping = false;
  private readonly ended: Promise<void>;

  constructor(
    private readonly here: Client,
    private readonly there: Client,
  ) {
    this.ended = this.work();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.ended;
  }

  private async work(): Promise<void> {
    while (!this.stopping) {
      const { status, body } = await this.here.signIn('admin@example.com', PASSWORD);
      if (status !== 201) continue;
      const { id, attributes } = body.data;
      const ended = await this.here.call('DELETE', `/api/v2/sessions/${id}`, attributes.token);
      if (ended.status !== 204) continue;
      this.answered++;
      if ((await this.there.statusOf(attributes.token)) === 200) this.forgotten.push(attributes.token);
    }
  }
}

async function written(load: WriteLoad, count: number): Promise<void> {
  const aim = load.acknowledged + count;
  while (load.acknowledged < aim && load.wrong.length === 0) await sleep(10);
}

async function failing(load: WriteLoad): Promise<void> {
  const before = load.undecided;
  while (load.undecided < before + WORKERS && load.wrong.length === 0) await sleep(10);
}
