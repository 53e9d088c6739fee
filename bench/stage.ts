import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BenchedPostgres } from './postgres.js';
import { BenchedServer } from './server.js';

const REFERENCES = join(import.meta.dirname, 'references');

/** What one suite works with: a PostgreSQL, and any number of servers on it; all of it ends with the suite. */
export class Stage {
  private readonly servers: BenchedServer[] = [];

  private constructor(readonly postgres: BenchedPostgres) {}

  /**
   * Runs a suite on a stage of its own, and clears it away, also when the suite fails or is interrupted.
   * @param settings of postgresql.conf beside those of the bench; values without spaces
   */
  static async with<T>(
    suite: (stage: Stage) => Promise<T>,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const stage = new Stage(await BenchedPostgres.start(settings));
    const interrupted = new Promise<never>((_, reject) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        // Not once: npm passes on what the terminal has sent already, and the second one must not end the clearing.
        process.on(signal, () => reject(new Error(`ended by ${signal}`)));
      }
    });
    try {
      return await Promise.race([suite(stage), interrupted]);
    } finally {
      await Promise.all(stage.servers.map((server) => server.stop()));
      await stage.postgres.stop();
    }
  }

  /** Starts Latchkey on a database of this stage: see `BenchedServer.latchkey`. */
  async latchkey(...[database, ...rest]: Parameters<typeof BenchedServer.latchkey>): Promise<BenchedServer> {
    return this.keep(await BenchedServer.latchkey(this.postgres.url(database), ...rest));
  }

  /** Starts one of bench/references on a database of this stage, by the name of its file. */
  async reference(
    ...[name, database, ...rest]: Parameters<typeof BenchedServer.reference>
  ): Promise<BenchedServer> {
    if (!existsSync(join(REFERENCES, 'node_modules'))) {
      const npm = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
      execFileSync('npm', npm, { cwd: REFERENCES, stdio: ['ignore', 'ignore', 'inherit'] });
    }
    return this.keep(await BenchedServer.reference(name, this.postgres.url(database), ...rest));
  }

  private keep(server: BenchedServer): BenchedServer {
    this.servers.push(server);
    return server;
  }
}
