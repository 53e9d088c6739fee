import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { publish, type Row, type Table } from './report.js';
import { median } from './rounds.js';
import { ADMIN, type BenchedServer } from './server.js';
import { Stage } from './stage.js';

const JSON_API = 'application/vnd.api+json';
const WORKERS = 8;
/** Milliseconds between a worker's requests: a load that leaves the processor room. */
const PAUSE_MILLISECONDS = 40;
const SAMPLES = 20;
const BYTES_A_MEGABYTE = 1e6;
/** The part of the samples that warming up takes, and that nothing is judged by. */
const WARM_UP = 0.3;
/** How much more may be held at the end than after warming up. */
const MOST_GROWTH = 1.1;

/** What one moment looked like. */
interface Sample {
  readonly minutes: number;
  readonly requests: number;
  readonly residentMegabytes: number;
  readonly heapMegabytes: number;
  readonly descriptors: number;
  readonly connections: number;
  readonly inTransaction: number;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const samples = await soak(Number(values.minutes));
process.stdout.write(`${await publish('soak', tablesOf(samples), { note: undefined, intoReadme: false })}\n`);
if (growthOf(samples) > MOST_GROWTH) process.exitCode = 1;

/** Lets people sign in, look around and sign out for so long, and looks at the server meanwhile. */
async function soak(minutes: number): Promise<Sample[]> {
  return Stage.with(async (stage) => {
    await stage.postgres.createDatabase('latchkey');
    const server = await stage.latchkey('latchkey');
    const load = { requests: 0, running: true };
    const workers = Array.from({ length: WORKERS }, () => visit(server, load));
    const taken: Sample[] = [];
    for (let n = 1; n <= SAMPLES; n++) {
      await Promise.race([sleep((minutes * 60_000) / SAMPLES), Promise.all(workers)]);
      taken.push(await look(stage, server, (minutes * n) / SAMPLES, load.requests));
      process.stderr.write(`${JSON.stringify(taken.at(-1))}\n`);
    }
    load.running = false;
    await Promise.all(workers);
    return taken;
  });
}

/** One person after the other: signs in, is asked who they are, lists, mints, describes, is refused, signs out. */
async function visit(
  { url }: BenchedServer,
  load: { requests: number; readonly running: boolean },
): Promise<void> {
  const ask = async (status: number, method: string, path: string, token?: string, body?: object) => {
    const headers: Record<string, string> = { Accept: JSON_API };
    if (token !== undefined) headers['X-Auth-Token'] = token;
    if (body !== undefined) headers['Content-Type'] = JSON_API;
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, { method, headers, ...sent });
    const text = await response.text();
    if (response.status !== status) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    load.requests++;
    await sleep(PAUSE_MILLISECONDS);
    return (text === '' ? null : JSON.parse(text)) as { data: { id: string; attributes: { token: string } } };
  };
  const sessions = '/api/v2/sessions';
  while (load.running) {
    const proof = { data: { type: 'sessions', attributes: ADMIN } };
    const { id, attributes } = (await ask(201, 'POST', sessions, undefined, proof)).data;
    const { token } = attributes;
    for (let turn = 0; turn < 10; turn++) {
      await ask(200, 'GET', `${sessions}/current`, token);
      await ask(200, 'GET', `${sessions}?page[size]=30&include=user`, token);
      await ask(401, 'GET', `${sessions}/current`, '00000000-0000-0000-0000-000000000000');
      await ask(404, 'GET', `/api/v2/unknown/${load.requests}`, token);
      await ask(201, 'POST', `${sessions}/jwt`, token);
    }
    const named = { data: { type: 'sessions', id, attributes: { name: `visit ${load.requests}` } } };
    await ask(200, 'PATCH', `${sessions}/${id}`, token, named);
    await ask(204, 'DELETE', `${sessions}/${id}`, token);
  }
}

async function look(stage: Stage, server: BenchedServer, minutes: number, requests: number): Promise<Sample> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const figure = (name: string) =>
    Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
  const [pool] = await stage.postgres.query<{ connections: number; waiting: number }>(
    'postgres',
    `SELECT count(*)::int AS connections,
       (count(*) FILTER (WHERE state = 'idle in transaction' AND state_change < now() - interval '1 s'))::int AS waiting
     FROM pg_stat_activity WHERE datname = 'latchkey'`,
  );
  return {
    minutes,
    requests,
    residentMegabytes: ((await server.residentBytes()) ?? NaN) / BYTES_A_MEGABYTE,
    heapMegabytes: figure('nodejs_heap_size_used_bytes') / BYTES_A_MEGABYTE,
    descriptors: figure('process_open_fds'),
    connections: pool!.connections,
    inTransaction: pool!.waiting,
  };
}

/** What is held at the end beside what was held after warming up: medians of the first and the last part of the rest. */
function growthOf(all: readonly Sample[]): number {
  const warm = all.slice(Math.round(all.length * WARM_UP)).map(({ residentMegabytes }) => residentMegabytes);
  const part = Math.ceil(warm.length / 3);
  return median(warm.slice(-part)) / median(warm.slice(0, part));
}

function tablesOf(all: readonly Sample[]): Table[] {
  const rows: Row[] = all.map((sample) => ({
    minute: sample.minutes.toFixed(1),
    requests: sample.requests,
    'MB resident': sample.residentMegabytes.toFixed(0),
    'MB heap used': sample.heapMegabytes.toFixed(0),
    'open files': sample.descriptors,
    connections: sample.connections,
    'idle in transaction over 1 s': sample.inTransaction,
  }));
  const growth = {
    'held at the end ÷ after warming up': growthOf(all).toFixed(3),
    'fails above': MOST_GROWTH,
  };
  return [{ rows }, { title: 'Memory:', rows: [growth] }];
}
