import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Cluster } from '../src/database/cluster.js';
import { processorSeconds } from './processor.js';

/** What the embedded server's defaults leave unsaid: enough connections and memory that neither is what is measured. */
const SETTINGS = { max_connections: '300', shared_buffers: '512MB', max_wal_size: '4GB' };

/** The one PostgreSQL that everything in a suite works on, in processes of its own; gone afterwards. */
export class BenchedPostgres {
  private constructor(
    private readonly directory: string,
    private readonly cluster: Cluster,
    private readonly password: string,
    private readonly pid: number,
    private readonly port: number,
  ) {}

  /** @param settings of postgresql.conf beside those of the bench; values without spaces */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<BenchedPostgres> {
    const directory = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
    await chmod(directory, 0o711); // as root, PostgreSQL runs as a user of its own, who has to reach it
    const cluster = await Cluster.of(directory, () => undefined);
    const password = randomBytes(16).toString('hex');
    await cluster.create(password);
    await cluster.start(null, { ...SETTINGS, ...settings });
    const started = await cluster.lastStart();
    if (started === null) throw new Error('PostgreSQL did not stay up');
    return new BenchedPostgres(directory, cluster, password, started.pid, started.port);
  }

  /** Address of a database, with the password. */
  url(database: string): string {
    return `postgres://postgres:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Creates an empty database. @returns its address */
  async createDatabase(name: string): Promise<string> {
    await this.query('postgres', `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
    return this.url(name);
  }

  /** Runs one statement in a database, on a connection of its own. */
  async query<Row extends pg.QueryResultRow>(
    database: string,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    const client = new pg.Client(this.url(database));
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Seconds of processor time that all its processes have used so far; null where that cannot be read. */
  cpuSeconds(): Promise<number | null> {
    return processorSeconds(this.pid);
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
