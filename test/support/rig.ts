import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { entities, migrations } from '../../ormconfig.js';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { EmbeddedServer } from '../../src/database/embedded-server.js';
import { migrate } from '../../src/database/migrate.js';
import { KeysStore } from '../../src/keys/keys.store.js';
import { newKey } from '../../src/keys/new-key.js';
import { Sealer } from '../../src/secrets.js';
import './environment.js';

let stop: () => Promise<void> = () => Promise.resolve();

/**
 * One PostgreSQL for the run (the one of DATABASE_URL, else an embedded one) with a migrated database that each
 * test file clones. Jest's workers learn of both through the environment.
 */
export async function startRig(): Promise<void> {
  const template = `latchkey_test_template_${randomBytes(4).toString('hex')}`;
  const server = process.env.DATABASE_URL ?? (await startEmbedded());
  const onTheWay = stop;
  stop = async () => {
    await dropDatabases(server, template);
    await onTheWay();
  };
  try {
    await createTemplate(server, template);
  } catch (error) {
    await stopRig();
    throw error;
  }
  process.env.LATCHKEY_TEST_SERVER = server;
  process.env.LATCHKEY_TEST_TEMPLATE = template;
}

/** Leaves nothing behind: no database of the run, no server, no directory. */
export async function stopRig(): Promise<void> {
  await stop();
}

async function startEmbedded(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
  await chmod(dataDir, 0o711); // as root, the user postgres has to walk through
  // A crash of the machine may lose tests: in nothing else do these settings differ from production.
  const settings = { max_connections: '300', fsync: 'off', full_page_writes: 'off' };
  const server = await EmbeddedServer.open({ dataDir, role: 'server', settings });
  stop = async () => {
    await server.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  return server.url('postgres');
}

async function createTemplate(server: string, name: string): Promise<void> {
  await on(server, (client) => client.query(`CREATE DATABASE ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  const dataSource = new DataSource(dataSourceOptions(url.href, 2, { entities, migrations }));
  await migrate(dataSource);
  await addRsaKey(dataSource);
}

/** An RSA key takes longer to make than a test file to start: all share this one. */
async function addRsaKey(dataSource: DataSource): Promise<void> {
  const longAgo = new Date('2020-01-01');
  const sealer = new Sealer(Buffer.from(process.env.SECRET_KEY ?? '', 'hex'));
  await dataSource.initialize();
  await new KeysStore(dataSource).addFirst(await newKey('RS256', sealer, longAgo, longAgo));
  await dataSource.destroy();
}

async function dropDatabases(server: string, prefix: string): Promise<void> {
  await on(server, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  });
}

async function on<T>(server: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
