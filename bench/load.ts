import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import type { BenchedServer } from './server.js';

const AUTOCANNON = createRequire(import.meta.url).resolve('autocannon/autocannon.js');

/** One request, to be sent over and over. */
export interface Target {
  readonly name: string;
  readonly method?: 'GET' | 'POST';
  /** Below the server's address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What one burst measured. */
export interface Burst {
  /** Milliseconds from sending a request to having its answer, on average. */
  readonly milliseconds: number;
  readonly requestsPerSecond: number;
  readonly p99Milliseconds: number;
  /** Microseconds of the server's processor time for one request; null where that cannot be read. */
  readonly cpuMicroseconds: number | null;
}

/**
 * Sends one request over and over, by autocannon in a process of its own.
 * @throws Error when any answer was not a success: a bench of refusals says nothing
 */
export async function burst(
  server: BenchedServer,
  target: Target,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Burst> {
  const { method = 'GET', path, headers, body } = target;
  const options = ['--json', '-c', String(connections), '-d', String(seconds), '-m', method];
  for (const [name, value] of Object.entries(headers)) options.push('-H', `${name}=${value}`);
  if (body !== undefined) options.push('-b', body);
  const before = await server.cpuSeconds();
  const child = spawn(process.execPath, [AUTOCANNON, ...options, `${server.url}${path}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const result = JSON.parse(await text(child.stdout)) as {
    '2xx': number;
    non2xx: number;
    errors: number;
    duration: number;
    latency: { p99: number };
  };
  const after = await server.cpuSeconds();
  const answered = result['2xx'];
  if (result.non2xx > 0 || result.errors > 0 || answered === 0) {
    throw new Error(`${target.name}: ${result.non2xx} refusals and ${result.errors} errors`);
  }
  const requestsPerSecond = answered / result.duration;
  return {
    milliseconds: (connections * 1000) / requestsPerSecond,
    requestsPerSecond,
    p99Milliseconds: result.latency.p99,
    cpuMicroseconds: before === null || after === null ? null : ((after - before) * 1e6) / answered,
  };
}
