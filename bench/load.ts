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
  readonly body?: string;
  /** What differs from request to request, in turn: other people's credentials. */
  readonly rotation?: readonly Turn[];
  /** What every answer has to hold; looked for once in each of the rotation, before anything is measured. */
  readonly answers?: RegExp;
}

/** Headers beside the target's, a path and a body in the place of its. */
export interface Turn {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** How hard, and how long: for so many seconds, or until so many requests are answered. */
export type Load = { readonly connections: number } & (
  { readonly seconds: number } | { readonly requests: number }
);

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
 * Sends one request over and over, from a process of its own: by wrk, or by autocannon where that is missing or where
 * requests are counted.
 * @throws Error when any answer was not a success: a bench of refusals says nothing
 */
export async function burst(postgres: BenchedPostgres, target: Target, load: Load): Promise<Burst> {
  const before = await Promise.all([target.server.cpuSeconds(), postgres.cpuSeconds()]);
  const seen =
    'seconds' in load && (await hasWrk) ? await byWrk(target, load) : await byAutocannon(target, load);
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
export async function tryOut(target: Target): Promise<void> {
  for (const { method, path, headers, body } of requestsOf(target)) {
    const response = await fetch(`${target.server.url}${path}`, { method, headers, body: body ?? null });
    const text = await response.text();
    if (!response.ok || !(target.answers ?? /^/).test(text)) {
      throw new Error(`${target.name}: ${response.status} ${text.slice(0, 500)}`);
    }
  }
}

/** The requests of a target, each as it is sent. */
export function requestsOf({ method = 'GET', rotation = [{}], ...target }: Target) {
  return rotation.map((turn) => ({
    method,
    path: turn.path ?? target.path,
    headers: { ...target.headers, ...turn.headers },
    body: turn.body ?? target.body,
  }));
}
