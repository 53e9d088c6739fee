import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '..');
/** Clock ticks of /proc in a second: USER_HZ, 100 on every Linux. */
const TICKS_A_SECOND = 100;

export const ADMIN = { email: 'admin@example.com', password: 'a password for the bench' };

/** Latchkey as it is shipped, in a process of its own, on an embedded PostgreSQL that is gone afterwards. */
export class BenchedServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dataDir: string,
    readonly url: string,
  ) {}

  /** @param settings environment keys beside those of the bench */
  static async start(settings: Record<string, string> = {}): Promise<BenchedServer> {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
    await chmod(dataDir, 0o755); // as root, PostgreSQL runs as a user of its own, who has to reach it
    const env = {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      LOG_LEVEL: 'info',
      BCRYPT_COST: '10',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      ...settings,
    };
    const child = spawn(process.execPath, ['dist/src/main.js'], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((resolve, reject) => {
      const said: string[] = [];
      createInterface(child.stdout).on('line', (line) => {
        if (said.length < 50) said.push(line);
        const listens = /listens on (\S+)$/.exec(line)?.[1];
        if (listens) resolve(listens);
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${said.join('\n')}`)));
    });
    return new BenchedServer(child, dataDir, url);
  }

  /** Seconds of processor time that the process has used so far; null where there is no /proc. */
  async cpuSeconds(): Promise<number | null> {
    const stat = await readFile(`/proc/${this.child.pid}/stat`, 'utf8').catch(() => null);
    if (stat === null) return null;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await once(this.child, 'exit');
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
