import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { built } from './built.js';
import { Client } from './client.js';

const ROOT = join(import.meta.dirname, '..', '..');
/** What a process is started with unless told otherwise: nothing of our own environment comes along. */
const SETTINGS = { NODE_ENV: 'test', BCRYPT_COST: '4', HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'warn' };

const running = new Set<ServerProcess>();

/** `src/main.ts` in a process of its own. */
export class ServerProcess {
  /** Each line of standard output: the greeting, then the log. */
  readonly lines: string[] = [];
  /** Standard error. */
  complaints = '';
  /** The exit code; null after a signal that was not handled. */
  readonly exited: Promise<number | null>;
  private readonly greeted: Promise<void>;

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    this.exited = once(child, 'close').then(([code]) => code as number | null);
    this.greeted = new Promise((resolve) => {
      createInterface(child.stdout!).on('line', (line) => {
        this.lines.push(line);
        if (line.startsWith('curl ')) resolve();
      });
    });
    running.add(this);
    void this.exited.then(() => running.delete(this));
  }

  /**
   * Starts one from the sources and does not wait for it.
   * @param settings its environment, beside the defaults above
   * @param preload source of an ES module that runs in it before Latchkey does
   * @param root directory of the version to start
   */
  static spawn(settings: Record<string, string>, preload = '', root = ROOT): ServerProcess {
    const args = ['--import', './test/support/typescript.js', ...imported(preload), 'src/main.ts'];
    const env = { PATH: process.env.PATH, ...SETTINGS, ...settings };
    return new ServerProcess(spawn(process.execPath, args, { cwd: root, env }));
  }

  /** Starts one by README's command, on what is built, and waits until it greets. Signals go to npm. */
  static async npmStart(settings: Record<string, string>): Promise<ServerProcess> {
    await built();
    const env = { PATH: process.env.PATH, ...SETTINGS, ...settings };
    const server = new ServerProcess(spawn('npm', ['start', '--ignore-scripts'], { cwd: ROOT, env }));
    await server.ready();
    return server;
  }

  /** Starts one, on what is built (that is up in half the time) and waits until it greets; see `spawn`. */
  static async start(settings: Record<string, string>, preload = ''): Promise<ServerProcess> {
    const args = [...imported(preload), join(await built(), 'main.js')];
    const env = { PATH: process.env.PATH, ...SETTINGS, ...settings };
    const server = new ServerProcess(spawn(process.execPath, args, { cwd: ROOT, env }));
    await server.ready();
    return server;
  }

  /** Waits for the greeting. @throws Error with everything that was printed when the process ended before it */
  async ready(): Promise<void> {
    const ended = this.exited.then((code) => {
      throw new Error(`ended with ${code}: ${this.complaints}\n${this.lines.join('\n')}`);
    });
    await Promise.race([this.greeted, ended]);
  }

  get url(): string {
    return /listens on (\S+)$/m.exec(this.lines.join('\n'))?.[1] ?? '';
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get isRunning(): boolean {
    return running.has(this);
  }

  /** The generated password of the first administrator, if one was printed. */
  get password(): string | undefined {
    return /^Password: +(\S+)/m.exec(this.lines.join('\n'))?.[1];
  }

  /** What the log holds so far. */
  get log(): Record<string, unknown>[] {
    return this.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** @param connections kept open at most */
  client(connections = 16): Client {
    return new Client(this.port, connections);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends the signal and waits for the end. @returns the exit code */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.signal(signal);
    return this.exited;
  }
}

/** What has Node run the source of an ES module before anything else. */
function imported(source: string): string[] {
  return ['--import', `data:text/javascript,${encodeURIComponent(source)}`];
}

/** Ends whatever a failed test left running. */
export async function stopAllServers(): Promise<void> {
  await Promise.all([...running].map((server) => server.stop()));
}
