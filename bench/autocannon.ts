import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { requestsOf, type Load, type Seen, type Target } from './load.js';

const AUTOCANNON = createRequire(import.meta.url).resolve('autocannon');

/** What autocannon says of a run, as far as we read it. */
interface Result {
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly latency: { readonly p99: number };
  /** Null when nothing was answered. */
  readonly seconds: number | null;
}

/**
 * What the process of its own runs: options on its standard input, the result on its output. It takes the time itself,
 * from the first request to the last answer: autocannon's `duration` ends at the next whole second.
 */
const PROGRAM = `
  import { createRequire } from 'node:module';
  import { json } from 'node:stream/consumers';
  const autocannon = createRequire(import.meta.url)(process.argv[1]);
  const run = autocannon(await json(process.stdin));
  let first, last;
  run.on('start', () => (first = performance.now()));
  run.on('response', () => (last = performance.now()));
  const result = await run;
  process.stdout.write(JSON.stringify({ ...result, seconds: (last - first) / 1000 }));
`;

/** Sends a target's requests by autocannon, which counts milliseconds whole. */
export async function byAutocannon(target: Target, load: Load): Promise<Seen> {
  const { connections } = load;
  const length = 'seconds' in load ? { duration: load.seconds } : { amount: load.requests };
  const options = {
    url: target.server.url,
    connections,
    timeout: 60,
    ...length,
    requests: requestsOf(target),
  };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, '--', AUTOCANNON], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(options));
  const result = JSON.parse(await text(child.stdout)) as Result;
  return {
    answered: result['2xx'],
    failed: result.non2xx + result.errors,
    seconds: result.seconds ?? 0,
    p99Milliseconds: result.latency.p99,
  };
}
