import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database/open.js';
import { answerForAll } from './http/shared-metrics.js';

/** What a worker works on, as the primary hands it over. */
export type HandedDatabase = Pick<Database, 'url' | 'secretKey'>;

interface HandOver {
  readonly database: { readonly url: string; readonly secretKey: string };
}
const ASKS_FOR_DATABASE = 'database';

/** Milliseconds before a worker that died is replaced: one that dies at once must not keep the machine busy. */
const REPLACED_AFTER_MILLISECONDS = 1_000;

/**
 * The processes that serve requests on one port (WEB_CONCURRENCY), kept by a primary that serves none. They share
 * nothing but the database. One that dies is replaced; if the primary dies, they go with it.
 */
export class Workers {
  private stopping = false;

  /** @param notice told in one line what an operator should know */
  constructor(
    private readonly database: HandedDatabase,
    private readonly notice: (line: string) => void,
  ) {}

  /** Starts so many. @returns the port on which all of them listen @throws Error when one ends before it does */
  async start(count: number): Promise<number> {
    answerForAll();
    // They accept by themselves: a connection that the primary hands to one that just died would be answered by nobody.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    const ports = await Promise.all(Array.from({ length: count }, () => this.listening(this.fork())));
    for (const worker of this.running()) this.keep(worker);
    return ports[0] ?? 0;
  }

  /** Tells all of them to finish what is running and to end, and waits until they have. */
  async stop(): Promise<void> {
    this.stopping = true;
    const ended = this.running().map(async (worker) => {
      if (worker.isDead()) return;
      const exit = once(worker, 'exit');
      worker.process.kill('SIGTERM');
      await exit;
    });
    await Promise.all(ended);
  }

  private fork(): Worker {
    const worker = cluster.fork();
    // What is sent to one that just died (a question for its figures) fails, and its exit tells the rest.
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) throw error; // it never began, and will have no exit
    });
    worker.on('message', (message: unknown) => {
      if (message !== ASKS_FOR_DATABASE) return;
      const { url, secretKey } = this.database;
      worker.send({ database: { url, secretKey: secretKey.toString('hex') } } satisfies HandOver);
    });
    return worker;
  }

  private async listening(worker: Worker): Promise<number> {
    const ended = once(worker, 'exit').then(() => {
      throw new Error('one of its processes ended before it listened');
    });
    const [{ port }] = (await Promise.race([once(worker, 'listening'), ended])) as [AddressInfo];
    ended.catch(() => undefined);
    return port;
  }

  private keep(worker: Worker): void {
    worker.once('exit', (code: number | null, signal: string | null) => {
      if (!this.stopping) void this.replace(`A process ended (${signal ?? code}): starting another`);
    });
  }

  private async replace(reason: string): Promise<void> {
    this.notice(reason);
    await sleep(REPLACED_AFTER_MILLISECONDS);
    if (!this.stopping) this.keep(this.fork());
  }

  private running(): Worker[] {
    return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  }
}

/** In a worker: the database that the primary has opened. */
export async function handedDatabase(): Promise<HandedDatabase> {
  const handed = new Promise<HandOver>((resolve) => {
    process.on('message', function listen(message: Partial<HandOver>) {
      if (message.database === undefined) return;
      process.off('message', listen);
      resolve(message as HandOver);
    });
  });
  process.send?.(ASKS_FOR_DATABASE);
  const { url, secretKey } = (await handed).database;
  return { url, secretKey: Buffer.from(secretKey, 'hex') };
}
