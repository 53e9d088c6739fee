import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Cluster } from './cluster.js';
import { keptSecret, readSecret } from './kept-secret.js';

/** `server`: one at a time on a data directory. `command`: any number, beside a server or without one. */
export type Role = 'server' | 'command';

interface EmbeddedServerOptions {
  /** Absolute path. */
  readonly dataDir: string;
  readonly role: Role;
  /** Of postgresql.conf, when this process is the one that starts the server; values without spaces. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told in one line what an operator should know. */
  readonly notice?: (line: string) => void;
}

/** In DATA_DIR, mode 0600: the password of the cluster's superuser. */
export const PASSWORD_FILE = 'postgres.password';

/** Advisory locks in the database `postgres` of the cluster. */
const PRESENT = '19563, 1'; // shared by every process that uses the cluster, for as long as it does
const SERVING = '19563, 2'; // held by the one process in the role `server`

const ATTEMPTS_TO_ATTACH = 60;
const ATTEMPTS_WHILE_STARTING = 20;
const ATTEMPTS_TO_START = 3;

/**
 * The embedded PostgreSQL of a data directory, shared by the processes that use it: whoever comes first starts
 * it, whoever leaves last stops it, and one that a crash left running is taken over. It is a process apart: it
 * outlives a kill of ours and is started again when it dies.
 */
export class EmbeddedServer {
  private port: number | null = null;
  private presence: pg.Client | null = null;
  private closing = false;
  private returning: Promise<void> = Promise.resolve();

  private constructor(
    private readonly cluster: Cluster,
    private readonly password: string,
    private readonly options: EmbeddedServerOptions,
  ) {}

  /**
   * Starts the server or attaches to the running one.
   * @throws Error when the role is `server` and another server process uses the data directory
   */
  static async open(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
    const cluster = await Cluster.of(options.dataDir, options.notice ?? (() => undefined));
    const server = new EmbeddedServer(cluster, await passwordOf(cluster, options.dataDir), options);
    await server.enter();
    return server;
  }

  /** Address of a database on this server, with the password. */
  url(database: string): string {
    return `postgres://postgres:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Creates a database unless it is there. */
  async ensureDatabase(name: string): Promise<void> {
    const client = await this.connect(this.port ?? 0);
    try {
      await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
    } catch (error) {
      // 23505: another process creates it at this very moment.
      if (!['42P04', '23505'].includes(codeOf(error))) throw error;
    } finally {
      await client.end();
    }
  }

  /** Leaves; stops the server when no other Latchkey process uses it. Close every other connection first. */
  async close(): Promise<void> {
    this.closing = true;
    await this.returning;
    const presence = this.presence;
    this.presence = null;
    if (presence !== null) await this.leave(presence);
  }

  private async enter(): Promise<void> {
    const presence = await this.findOrStart();
    if (this.options.role === 'server' && !(await isGranted(presence, SERVING))) {
      await this.leave(presence);
      throw new Error(
        `DATA_DIR ${this.options.dataDir} is in use by another Latchkey server: stop that one, or give this one a DATA_DIR of its own`,
      );
    }
    this.presence = presence;
    presence.on('end', () => {
      if (this.presence !== presence || this.closing) return;
      this.presence = null;
      this.returning = this.comeBack();
    });
  }

  /** The database went away under us: bring it back at the same port, since everyone holds its address. */
  private async comeBack(): Promise<void> {
    this.options.notice?.('The connection to the embedded database was lost: bringing it back');
    while (!this.closing) {
      try {
        await this.enter();
        this.options.notice?.('The embedded database is back');
        return;
      } catch (error) {
        this.options.notice?.(`The embedded database is not back yet: ${(error as Error).message}`);
        await sleep(1000, undefined, { ref: false });
      }
    }
  }

  /** A connection that holds PRESENT. Others may start or stop the server meanwhile, so it takes patience. */
  private async findOrStart(): Promise<pg.Client> {
    let starts = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        const client = await this.attach(attempt);
        if (client !== null) return client;
        if (!(await this.cluster.exists())) await this.cluster.create(this.password);
        starts++;
        await this.cluster.start(this.port, this.options.settings ?? {});
      } catch (error) {
        if (starts === ATTEMPTS_TO_START || attempt === ATTEMPTS_TO_ATTACH) throw error;
        if (codeOf(error) === '28P01')
          throw new Error('The password kept in DATA_DIR is not that of the database', { cause: error });
        await sleep(Math.min(attempt * 50, 500));
      }
    }
  }

  /** Null when no server of this cluster runs. */
  private async attach(attempt: number): Promise<pg.Client | null> {
    const running = await this.cluster.lastStart();
    if (running === null) return null;
    let client: pg.Client;
    try {
      client = await this.connect(running.port);
    } catch (error) {
      // Another process may have started it a moment ago.
      const starting = attempt < ATTEMPTS_WHILE_STARTING && (await this.cluster.isServer(running.pid));
      if (codeOf(error) === 'ECONNREFUSED' && !starting) return null;
      throw error;
    }
    try {
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
      // After a crash the port may have gone to the server of another directory.
      if (rows[0]?.data_directory !== (await realpath(this.cluster.directory))) {
        await client.end();
        return null;
      }
      await client.query(`SELECT pg_advisory_lock_shared(${PRESENT})`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.port = running.port;
    return client;
  }

  private async connect(port: number): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'postgres',
      password: this.password,
      database: 'postgres',
      application_name: 'latchkey presence',
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    });
    client.on('error', () => undefined); // 'end' follows
    await client.connect();
    return client;
  }

  private async leave(presence: pg.Client): Promise<void> {
    // An error means that someone else saw itself alone, and is stopping the server under us.
    const alone = await isAlone(presence).catch(() => false);
    try {
      if (alone) await this.cluster.stop();
    } finally {
      await presence.end().catch(() => undefined);
    }
  }
}

/** Gives up its own share first: of two that leave at once, one sees itself alone, and newcomers wait for it. */
async function isAlone(presence: pg.Client): Promise<boolean> {
  await presence.query(`SELECT pg_advisory_unlock_shared(${PRESENT})`);
  const { rows } = await presence.query<{ alone: boolean }>(
    `SELECT pg_try_advisory_lock(${PRESENT}) AS alone`,
  );
  return rows[0]?.alone === true;
}

async function passwordOf(cluster: Cluster, dataDir: string): Promise<string> {
  const file = join(dataDir, PASSWORD_FILE);
  if ((await cluster.exists()) && (await readSecret(file)) === null) {
    throw new Error(
      `${file} is missing, and without it the database in ${cluster.directory} cannot be opened: restore the file, or remove the database to start afresh`,
    );
  }
  return keptSecret(file);
}

/** Tries for a while: the connection of a server that was killed just now takes a moment to go. */
async function isGranted(client: pg.Client, lock: string): Promise<boolean> {
  for (let attempt = 1; attempt <= 10; attempt++) {
    const { rows } = await client.query<{ granted: boolean }>(
      `SELECT pg_try_advisory_lock(${lock}) AS granted`,
    );
    if (rows[0]?.granted) return true;
    await sleep(150);
  }
  return false;
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? '';
}
