import { byAutocannon } from './autocannon.js';
import type { BenchedPostgres } from './postgres.js';
import type { BenchedServer } from './server.js';
import { byWrk, hasWrk } from './wrk.js';

/** One request, to be sent over and over. */
export interface Target {
  readonly name: string;
  readonly server: BenchedServer;
  readonly method?: 'GET' | 'POST';
  /** Below the server's address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers beside those, one set for each request in turn: other people's credentials. */
  readonly rotation?: readonly Readonly<Record<string, string>>[];
  readonly body?: string;
  /** What every answer has to hold; looked for once in each of the rotation, before anything is measured. */
  readonly answers?: RegExp;
}

/** How hard and how long. */
export interface Load {
  readonly connections: number;
  readonly seconds: number;
}

/** What a load generator saw. */
export interface Seen {
  readonly answered: number;
  /** Answers of 400 and above, and requests without an answer. */
  readonly failed: number;
  readonly seconds: number;
  readonly p99Milliseconds: number;
}

/** What one burst measured. */
export interface Burst {
  /** Milliseconds from sending a request to having its answer, on average. */
  readonly milliseconds: number;
  readonly requestsPerSecond: number;
  readonly p99Milliseconds: number;
  /** Microseconds of the server's processor time for one request; null where that cannot be read. */
  readonly cpuMicroseconds: number | null;
  /** The same of PostgreSQL. */
  readonly databaseCpuMicroseconds: number | null;
}

/**
 * Sends one request over and over, by wrk, or autocannon where that is missing, in a process of its own.
 * @throws Error when any answer was not a success: a bench of refusals says nothing
 */
export async function burst(postgres: BenchedPostgres, target: Target, load: Load): Promise<Burst> {
  const before = await Promise.all([target.server.cpuSeconds(), postgres.cpuSeconds()]);
  const seen = await ((await hasWrk) ? byWrk : byAutocannon)(target, load);
  const after = await Promise.all([target.server.cpuSeconds(), postgres.cpuSeconds()]);
  if (seen.failed > 0 || seen.answered === 0) {
    throw new Error(`${target.name}: ${seen.failed} of ${seen.answered} requests failed`);
  }
  const requestsPerSecond = seen.answered / seen.seconds;
  const [cpuMicroseconds, databaseCpuMicroseconds] = [0, 1].map((at) => {
    const [from, to] = [before[at]!, after[at]!];
    return from === null || to === null ? null : ((to - from) * 1e6) / seen.answered;
  }) as [number | null, number | null];
  return {
    milliseconds: (load.connections * 1000) / requestsPerSecond,
    requestsPerSecond,
    p99Milliseconds: seen.p99Milliseconds,
    cpuMicroseconds,
    databaseCpuMicroseconds,
  };
}

/** Sends each request of a target once. @throws Error when an answer is not what the target says it is */
export async function tryOut({ name, server, path, rotation = [{}], ...target }: Target): Promise<void> {
  for (const headers of rotation) {
    const response = await fetch(`${server.url}${path}`, {
      method: target.method ?? 'GET',
      headers: { ...target.headers, ...headers },
      body: target.body ?? null,
    });
    const text = await response.text();
    if (!response.ok || !(target.answers ?? /^/).test(text)) {
      throw new Error(`${name}: ${response.status} ${text.slice(0, 500)}`);
    }
  }
}
