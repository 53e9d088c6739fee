import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { processorSeconds, residentBytes } from './processor.js';

const ROOT = join(import.meta.dirname, '..');

export const ADMIN = { email: 'admin@example.com', password: 'a password for the bench' };

/** What keeps Latchkey's sealed columns readable by every process of one bench. */
const SECRET_KEY = randomBytes(32).toString('hex');

/** A server under load, in a process of its own: Latchkey as it is shipped, or one that it is measured beside. */
export class BenchedServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /**
   * @param databaseUrl PostgreSQL that it works on, and brings up to date
   * @param settings environment keys beside those of the bench
   * @param build directory of a checkout that is built
   * @param nodeOptions what Node is started with
   */
  static latchkey(
    databaseUrl: string,
    settings: Readonly<Record<string, string>> = {},
    { build = ROOT, nodeOptions = [] as readonly string[] } = {},
  ): Promise<BenchedServer> {
    return BenchedServer.start(build, [...nodeOptions, 'dist/src/main.js'], {
      DATABASE_URL: databaseUrl,
      SECRET_KEY,
      LOG_LEVEL: 'info',
      BCRYPT_COST: '10',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      ...settings,
    });
  }

  /** One of bench/references, by the name of its file. */
  static reference(
    name: string,
    databaseUrl: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<BenchedServer> {
    const directory = join(import.meta.dirname, 'references');
    return BenchedServer.start(directory, [`${name}.js`], { DATABASE_URL: databaseUrl, ...settings });
  }

  /** Runs a command of Latchkey on a database until it ends or is stopped. @throws Error when it was, or failed */
  static async command(
    databaseUrl: string,
    args: readonly string[],
    settings: Readonly<Record<string, string>>,
    stop: AbortSignal,
  ): Promise<void> {
    const env = { PATH: process.env.PATH, DATABASE_URL: databaseUrl, SECRET_KEY, ...settings };
    const child = spawn(process.execPath, ['dist/src/cli.js', ...args], { cwd: ROOT, env, stdio: 'ignore' });
    stop.addEventListener('abort', () => child.kill('SIGTERM'));
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`latchkey ${args.join(' ')} ended with ${code}`);
  }

  private static async start(
    cwd: string,
    args: readonly string[],
    settings: Readonly<Record<string, string>>,
  ): Promise<BenchedServer> {
    const env = { PATH: process.env.PATH, NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', ...settings };
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const url = await addressIn(child);
    child.stdout.resume(); // the log is read and thrown away, as cheaply as can be
    return new BenchedServer(child, url);
  }

  /** Seconds of processor time that its processes have used so far; null where that cannot be read. */
  cpuSeconds(): Promise<number | null> {
    return processorSeconds(this.child.pid!);
  }

  /** Bytes of memory that its processes hold now; null where that cannot be read. */
  residentBytes(): Promise<number | null> {
    return residentBytes(this.child.pid!);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}

/** Reads what a server prints until it says where it listens. */
async function addressIn(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    const listens = /listens on (\S+)$/m.exec(said)?.[1];
    if (listens) return listens;
  }
  throw new Error(`${child.spawnargs.join(' ')} ended:\n${said}`);
}
