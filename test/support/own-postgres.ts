import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../../src/database/cluster.js';
import { makeDataDir, postmasterOf, removeDataDir } from './data-dir.js';
import { ask } from './sql.js';

/** A PostgreSQL of a test's own, to be taken away and given back; nobody else starts it again. */
export class OwnPostgres {
  private readonly password = randomBytes(16).toString('hex');

  private constructor(
    private readonly dataDir: string,
    private readonly cluster: Cluster,
    private readonly port: number,
  ) {}

  /** Makes one at a port; it is not started yet. */
  static async create(port: number): Promise<OwnPostgres> {
    const dataDir = await makeDataDir();
    const cluster = await Cluster.of(dataDir, () => undefined);
    const postgres = new OwnPostgres(dataDir, cluster, port);
    await cluster.create(postgres.password);
    return postgres;
  }

  url(database: string): string {
    return `postgres://postgres:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs a statement in the database `postgres`. */
  ask<Row>(text: string): Promise<Row[]> {
    return ask(this.url('postgres'), text);
  }

  async start(): Promise<void> {
    await this.cluster.start(this.port, {});
    const started = await this.cluster.lastStart();
    if (started?.port !== this.port) throw new Error(`port ${this.port} was taken meanwhile`);
  }

  /** As `pg_ctl stop -m immediate`: every connection breaks, nothing is finished. */
  async stopImmediately(): Promise<void> {
    const pid = await postmasterOf(this.dataDir);
    if (pid !== null) process.kill(pid, 'SIGQUIT');
    while ((await postmasterOf(this.dataDir)) !== null) await sleep(20);
  }

  async remove(): Promise<void> {
    await this.stopImmediately();
    await removeDataDir(this.dataDir);
  }
}
