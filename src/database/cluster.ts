import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  open,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { findBinaries, prepareBinaries, run } from './postgres-binaries.js';
import { chooseSystemUser, type SystemUser } from './system-user.js';

/** Where copies and clusters go that the user postgres could not reach below a private home. */
const REACHABLE_HOME = '/var/lib/latchkey';

/** A PostgreSQL cluster on this machine's disk: created, started, found running, stopped. */
export class Cluster {
  private constructor(
    readonly directory: string,
    private readonly programs: string,
    private readonly user: SystemUser,
  ) {}

  /**
   * The cluster that belongs to a data directory: `postgres` in it, or, when we are root and the user postgres
   * cannot reach it, a directory below /var/lib/latchkey that is named after it.
   */
  static async of(dataDir: string, notice: (line: string) => void): Promise<Cluster> {
    await makeReachable(dataDir);
    let home = dataDir;
    let copies = dataDir;
    if (!(await (await chooseSystemUser(join(dataDir, 'postgres'))).canReach(dataDir))) {
      const name = createHash('sha256')
        .update(await realpath(dataDir))
        .digest('hex')
        .slice(0, 16);
      home = join(REACHABLE_HOME, name);
      copies = REACHABLE_HOME;
      notice(`The user postgres cannot reach ${dataDir}: the database is kept in ${home}`);
      await makeReachable(REACHABLE_HOME);
      await makeReachable(home);
    }
    const directory = join(home, 'postgres');
    const user = await chooseSystemUser(directory);
    return new Cluster(directory, await prepareBinaries(await findBinaries(), user, copies), user);
  }

  /** Whether the cluster has been created. */
  async exists(): Promise<boolean> {
    return stat(join(this.directory, 'PG_VERSION')).then(
      () => true,
      () => false,
    );
  }

  /**
   * Creates the cluster beside its place and moves it there when it is whole, so that a creation that was
   * interrupted, or that another process finished first, leaves nothing half made. Its superuser is `postgres`.
   */
  async create(password: string): Promise<void> {
    await this.clearInterruptedCreations();
    const workshop = `${this.directory}.${process.pid}.tmp`;
    const passwordFile = join(workshop, 'password');
    const made = join(workshop, 'cluster');
    await rm(workshop, { recursive: true, force: true });
    try {
      await mkdir(workshop, { mode: 0o700 });
      await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
      for (const path of [passwordFile, workshop]) await this.giveAway(path);
      await this.run('initdb', [
        ...['-D', made, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        // PostgreSQL's own C.UTF-8 is the same on every system, whatever locales are installed.
        ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ]);
      await rename(made, this.directory).catch(async (error: unknown) => {
        if (!(await this.exists())) throw error;
      });
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  }

  /**
   * Starts the server on 127.0.0.1, in a session of its own, and waits until it answers.
   * @param port to prefer; without one, or when it is taken, the last one or any free one
   * @param settings of postgresql.conf; values without spaces
   */
  async start(port: number | null, settings: Readonly<Record<string, string>>): Promise<void> {
    const last = await this.lastStart();
    if (last !== null && isRunning(last.pid) && !(await this.isServer(last.pid)))
      await this.forgetLastStart();
    const all = {
      port: String(await freePort(port ?? last?.port ?? 0)),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      log_checkpoints: 'off',
      // The log is not ours to clean: neither statements nor the values in them may stand there.
      log_min_error_statement: 'panic',
      log_error_verbosity: 'terse',
      ...settings,
    };
    const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`);
    const log = join(this.directory, 'server.log');
    try {
      await this.run('pg_ctl', [
        'start',
        '-D',
        this.directory,
        '-l',
        log,
        '-w',
        '-t',
        '120',
        '-o',
        options.join(' '),
      ]);
    } catch (error) {
      throw new Error(`PostgreSQL did not start: ${await lastLines(log)}`, { cause: error });
    }
  }

  /** Stops the server, ending every connection to it, and waits until it is down. */
  async stop(): Promise<void> {
    await this.run('pg_ctl', ['stop', '-D', this.directory, '-m', 'fast', '-w', '-t', '120']);
  }

  /** Process and port that the server was last started with; null when it was stopped properly since. */
  async lastStart(): Promise<{ pid: number; port: number } | null> {
    const content = await readFile(join(this.directory, 'postmaster.pid'), 'utf8').catch(() => '');
    const [pid, , , port] = content.split('\n');
    return Number(pid) > 0 && Number(port) > 0 ? { pid: Number(pid), port: Number(port) } : null;
  }

  /** Whether a process that is running is PostgreSQL; taken for granted where the system does not tell. */
  async isServer(pid: number): Promise<boolean> {
    if (!isRunning(pid)) return false;
    // A zombie answers signals too: one is left where Latchkey is process 1 of a container and nobody collects it.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => `${pid} (postgres) S`);
    return /^\d+ \(postgres\) [^ZX]/.test(stat);
  }

  private run(program: string, args: readonly string[]): Promise<string> {
    return run(join(this.programs, 'bin', program), args, this.user);
  }

  private async giveAway(path: string): Promise<void> {
    const { uid, gid } = this.user.ids;
    if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
  }

  private async clearInterruptedCreations(): Promise<void> {
    const prefix = `${basename(this.directory)}.`;
    for (const name of await readdir(dirname(this.directory))) {
      if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
      const maker = Number(name.slice(prefix.length, -'.tmp'.length));
      if (maker > 0 && !isRunning(maker)) {
        await rm(join(dirname(this.directory), name), { recursive: true, force: true });
      }
    }
  }

  /**
   * After a crash in a container, the number of the old server's process may belong to some other program, and
   * PostgreSQL would take that for itself and refuse to start.
   */
  private async forgetLastStart(): Promise<void> {
    await rm(join(this.directory, 'postmaster.pid'), { force: true });
  }
}

/** Creates a directory that another user may walk through, whatever our umask; one that exists is left as it is. */
export async function makeReachable(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true });
  if (created !== undefined) await chmod(directory, process.getuid?.() === 0 ? 0o711 : 0o700);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The port if it is free on 127.0.0.1, otherwise any free one. */
async function freePort(preferred: number): Promise<number> {
  const server = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(preferred, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
    });
  } catch (error) {
    if (preferred === 0) throw error;
    return await freePort(0);
  } finally {
    server.close();
  }
}

async function lastLines(log: string): Promise<string> {
  const file = await open(log).catch(() => null);
  if (file === null) return 'it wrote no log';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, 1000);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return `${buffer.toString('utf8').trim()} (${log})`;
  } finally {
    await file.close();
  }
}
