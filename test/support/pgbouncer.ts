import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseSystemUser } from '../../src/database/system-user.js';
import { freePort } from './free-port.js';
import { findProgram } from './programs.js';
import { ask } from './sql.js';

/** The path of PgBouncer; null when it is not installed. */
export const PGBOUNCER = findProgram('pgbouncer');

/** PgBouncer in transaction mode: each transaction may run on another connection than the one before. */
export class PgBouncer {
  private constructor(
    /** Of the database, by way of the pooler. */
    readonly url: string,
    private readonly directory: string,
    private readonly child: ChildProcess,
  ) {}

  /** @param size connections that it opens to PostgreSQL at most */
  static async before(databaseUrl: string, size: number): Promise<PgBouncer> {
    const target = new URL(databaseUrl);
    const pooled = new URL(databaseUrl);
    pooled.port = String(await freePort());
    const directory = await mkdtemp(join(tmpdir(), 'latchkey-test-'));
    await chmod(directory, 0o755); // it refuses to be root, so it is somebody else who reads these
    const users = join(directory, 'users.txt');
    await writeFile(users, `"${target.username}" "${target.password}"\n`);
    const name = target.pathname.slice(1);
    const file = join(directory, 'pgbouncer.ini');
    await writeFile(
      file,
      `[databases]
       ${name} = host=${target.hostname} port=${target.port} dbname=${name}
       [pgbouncer]
       listen_addr = 127.0.0.1
       listen_port = ${pooled.port}
       unix_socket_dir =
       auth_type = plain
       auth_file = ${users}
       pool_mode = transaction
       default_pool_size = ${size}
       max_client_conn = 200`.replaceAll(/^ +/gm, ''),
    );
    const { ids } = await chooseSystemUser(directory);
    const child = spawn(PGBOUNCER ?? 'pgbouncer', ['-q', file], {
      ...ids,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const pgBouncer = new PgBouncer(pooled.href, directory, child);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while (!(await pgBouncer.answers())) {
      if (child.exitCode !== null) throw new Error(`PgBouncer did not start: ${said}`);
      await sleep(20);
    }
    return pgBouncer;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL'); // in order it would wait for its clients
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }

  private answers(): Promise<boolean> {
    return ask(this.url, 'SELECT 1').then(
      () => true,
      () => false,
    );
  }
}
