import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import {
  appendFile,
  chmod,
  chown,
  cp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Cluster } from '../../src/database/cluster.js';
import { makeDataDir, postmasterOf, removeDataDir } from './data-dir.js';
import { ask } from './sql.js';

/** A PostgreSQL of a test's own, to be taken away and given back; nobody else starts it again. */
export class OwnPostgres {
  private readonly password: string;

  private constructor(
    private readonly dataDir: string,
    private readonly cluster: Cluster,
    private readonly port: number,
    password?: string,
  ) {
    this.password = password ?? randomBytes(16).toString('hex');
  }

  /** Makes one at a port; it is not started yet. */
  static async create(port: number): Promise<OwnPostgres> {
    const dataDir = await makeDataDir();
    const cluster = await Cluster.of(dataDir, () => undefined);
    const postgres = new OwnPostgres(dataDir, cluster, port);
    await cluster.create(postgres.password);
    return postgres;
  }

  /** A streaming replica, called `name`, at another port; this one has to be stopped in order, and neither is started. */
  async standby(port: number, name: string): Promise<OwnPostgres> {
    const dataDir = await makeDataDir();
    const directory = join(dataDir, 'postgres');
    await promisify(execFile)('cp', ['-a', this.cluster.directory, directory]);
    await writeFile(join(directory, 'standby.signal'), '');
    const primary = `host=127.0.0.1 port=${this.port} user=postgres password=${this.password} application_name=${name}`;
    await appendFile(join(directory, 'postgresql.auto.conf'), `primary_conninfo = '${primary}'\n`);
    const cluster = await Cluster.of(dataDir, () => undefined);
    return new OwnPostgres(dataDir, cluster, port, this.password);
  }

  url(database: string): string {
    return `postgres://postgres:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs a statement in the database `postgres`. */
  ask<Row>(text: string): Promise<Row[]> {
    return ask(this.url('postgres'), text);
  }

  /** @param settings of postgresql.conf; values without spaces */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.cluster.start(this.port, settings);
    const started = await this.cluster.lastStart();
    if (started?.port !== this.port) throw new Error(`port ${this.port} was taken meanwhile`);
  }

  /** Stops it in order, which ends every connection. */
  stop(): Promise<void> {
    return this.cluster.stop();
  }

  /** As the machine beneath it dies: every process of it is gone at once, and whoever waits for an answer gets none. */
  async kill(): Promise<void> {
    for (const pid of await this.processes()) process.kill(pid, 'SIGKILL');
    while (await this.isRunning()) await sleep(20);
  }

  /** As `pg_ctl stop -m immediate`: every connection breaks, nothing is finished. */
  async stopImmediately(): Promise<void> {
    const pid = await postmasterOf(this.dataDir);
    if (pid !== null) process.kill(pid, 'SIGQUIT');
    while (await this.isRunning()) await sleep(20);
  }

  async isRunning(): Promise<boolean> {
    return (await postmasterOf(this.dataDir)) !== null;
  }

  /** Whose its files are. */
  owner(): Promise<{ uid: number; gid: number }> {
    return stat(this.cluster.directory);
  }

  /** Stops it and moves its write-ahead log to another directory. */
  async keepLogAt(directory: string): Promise<void> {
    await this.cluster.stop();
    const [log, moved] = [join(this.cluster.directory, 'pg_wal'), join(directory, 'pg_wal')];
    const { uid, gid } = await this.owner();
    await cp(log, moved, { recursive: true, preserveTimestamps: true });
    for (const name of ['', ...(await readdir(moved, { recursive: true }))]) {
      await chown(join(moved, name), uid, gid);
    }
    await chmod(moved, 0o700);
    await rm(log, { recursive: true });
    await symlink(moved, log);
  }

  /** Stops every process of it where it stands, as a machine that hangs does: its port still takes connections. */
  async freeze(): Promise<void> {
    for (const pid of await this.processes()) process.kill(pid, 'SIGSTOP');
  }

  async thaw(): Promise<void> {
    for (const pid of await this.processes()) process.kill(pid, 'SIGCONT');
  }

  /** The server's processes; its own comes first, so that it starts no others once it is stopped. */
  private async processes(): Promise<number[]> {
    const postmaster = await postmasterOf(this.dataDir);
    if (postmaster === null) throw new Error('PostgreSQL does not run');
    const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const parents = await Promise.all(numbers.map(parentOf));
    return [postmaster, ...numbers.filter((_, index) => parents[index] === postmaster)];
  }

  async remove(): Promise<void> {
    await this.stopImmediately();
    await removeDataDir(this.dataDir);
  }
}

/** Null for a process that is gone. */
async function parentOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
