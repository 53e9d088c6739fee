import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../src/database/data-source.js';
import { Replica } from '../src/database/replica.js';
import { SessionsStore } from '../src/sessions/sessions.store.js';
import { SweepsStore } from '../src/sessions/sweeps.store.js';
import { loadGrowth } from './growth-population.js';
import { FOREGROUND, idsOf, lookUpsOn, requestsOn, signInAsAdmin, type Asked } from './growth-requests.js';
import { shown, targetTable, type Bound, type Row, type Table } from './report.js';
import { spread, type Spread } from './rounds.js';
import { BenchedServer } from './server.js';
import { Stage } from './stage.js';
import type { SuiteOptions } from './suite.js';

const SIZES = [10_000, 1_000_000, 5_000_000] as const;
/** What an operator of such tables would give PostgreSQL; each of the three fits the machine's memory. */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  autovacuum: 'off',
};
/** One request is sent over and over for so long in each round, and twice at least. */
const MILLISECONDS = 1_000;
const LEAST = 2;
const PACED_MILLISECONDS = 10_000;
const PACE_MILLISECONDS = 10;
const KEPT = { RETENTION_DAYS: '30' };
/** Beside what is measured nothing is to be removed. */
const KEEPS_ALL = { RETENTION_DAYS: '36500' };

/** One database of the suite, with a server on it. */
interface Grown {
  readonly sessions: number;
  readonly database: string;
  readonly server: BenchedServer;
  readonly pool: DataSource;
  readonly asked: readonly Asked[];
  /** The id of somebody who has some twenty sessions. */
  readonly anyUser: () => number;
}

/** Milliseconds of one request at one size, round by round. */
interface Times {
  readonly p50: Spread;
  readonly p99: Spread;
}

/** The same requests at ten thousand, one million and five million sessions, what a session takes up, and the removal of old ones. */
export function growth(
  { rounds }: Pick<SuiteOptions, 'rounds'>,
  wanted: readonly number[] = SIZES,
): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    const grown: Grown[] = [];
    for (const sessions of wanted) grown.push(await grow(stage, sessions));
    const times = await measure(grown, rounds);
    const sizes = await sizesOf(stage, grown.at(-1)!);
    const removal = await besideRemoval(stage, grown.at(-1)!, rounds);
    await Promise.all(grown.map(({ pool }) => pool.destroy()));
    return [timeTable(grown, times), targetTable(boundsOf(times)), sizes, removal];
  }, SETTINGS);
}

async function grow(stage: Stage, sessions: number): Promise<Grown> {
  const database = `growth_${sessions}`;
  const url = await stage.postgres.createDatabase(database);
  const server = await stage.latchkey(database, KEEPS_ALL);
  await loadGrowth((text, values) => stage.postgres.query(database, text, values), sessions);
  const pool = await new DataSource(dataSourceOptions(url, 1, {})).initialize();
  const admin = await signInAsAdmin(server);
  const ids = await idsOf(pool, sessions);
  const asked = await requestsOn(server, pool, admin, sessions, ids);
  return { sessions, database, server, pool, asked, anyUser: ids.anyUser };
}

/** Every request at every size in turn, round after round; a round more comes before those that count. */
async function measure(
  grown: readonly Grown[],
  rounds: number,
): Promise<ReadonlyMap<string, (Times | null)[]>> {
  const found = new Map<string, { p50: number[]; p99: number[] }[]>();
  const names = [...new Set(grown.flatMap(({ asked }) => asked.map(({ name }) => name)))];
  for (const name of [LOOK_UP, ENDS, ...names])
    found.set(
      name,
      grown.map(() => ({ p50: [], p99: [] })),
    );
  for (let round = 0; round <= rounds; round++) {
    for (const [name, bySize] of found) {
      for (const [at, one] of grown.entries()) {
        const ask = ALONE[name]?.(one) ?? one.asked.find((asked) => asked.name === name)?.ask;
        if (ask === undefined) continue;
        const milliseconds = await timesOf(ask, name === ENDS ? MOST_ENDS : Infinity);
        if (round === 0) continue;
        bySize[at]!.p50.push(percentile(milliseconds, 0.5));
        bySize[at]!.p99.push(percentile(milliseconds, 0.99));
      }
    }
  }
  const spreads = [...found].map(([name, bySize]) => {
    const times = bySize.map(({ p50, p99 }) =>
      p50.length === 0 ? null : { p50: spread(p50), p99: spread(p99) },
    );
    return [name, times] as const;
  });
  return new Map(spreads);
}

const LOOK_UP = 'recognise: the statement alone';
const ENDS = 'new credentials: the statements alone';
/** How many of these in a round: each is rolled back, and leaves dead rows behind. */
const MOST_ENDS = 20;
const ALONE: Readonly<Record<string, (one: Grown) => () => Promise<unknown>>> = {
  [LOOK_UP]: lookUp,
  [ENDS]: ends,
};

/** The statement that recognises a token, as each authenticated request runs it; tokens of all sessions alike. */
function lookUp({ pool, sessions }: Grown): () => Promise<unknown> {
  const next = lookUpsOn(sessions);
  const store = new SessionsStore(pool, new Replica(pool, null, () => undefined));
  return () => store.findByTokenHash(next(), true);
}

/** What ends the browser sessions of somebody who changes what they prove themselves with: some 14 of them. */
function ends({ pool, anyUser }: Grown): () => Promise<unknown> {
  const store = new SweepsStore(pool);
  const change = { ends: 'browser', bySessionId: null, keepsIt: false, secondFactorProved: false } as const;
  return async () => {
    const runner = pool.createQueryRunner();
    await runner.startTransaction();
    await store.applyCredentialChange(runner.manager, { ...change, userId: String(anyUser()) }, new Date());
    await runner.rollbackTransaction();
    await runner.release();
  };
}

async function timesOf(ask: () => Promise<unknown>, most: number): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + MILLISECONDS;
  while (times.length < LEAST || (performance.now() < until && times.length < most)) {
    const from = performance.now();
    await ask();
    times.push(performance.now() - from);
  }
  return times;
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

function timeTable(grown: readonly Grown[], times: ReadonlyMap<string, readonly (Times | null)[]>): Table {
  const rows = [...times].map(([request, bySize]): Row => {
    const cells = bySize.flatMap((found, at) => {
      const size = grown[at]!.sessions.toLocaleString('en');
      return [
        [`${size}: p50 ms`, found && found.p50.median.toFixed(2)],
        [`p99 ms of ${size}`, found && found.p99.median.toFixed(2)],
      ];
    });
    const [least, most] = [bySize[0], bySize.at(-1)];
    const ratio = least && most ? (most.p50.median / least.p50.median).toFixed(2) : null;
    return { request, ...(Object.fromEntries(cells) as Row), 'p50, largest × smallest': ratio };
  });
  return { title: 'One request at a time, milliseconds:', rows };
}

function boundsOf(times: ReadonlyMap<string, readonly (Times | null)[]>): Bound[] {
  const ratio = (one: Times | null | undefined, other: Times | null | undefined, of: keyof Times) =>
    one && other ? spread([one[of].median / other[of].median]) : null;
  const look = times.get(LOOK_UP)!;
  const bound = (of: string, measured: Spread | null, must: number, goal: number): Bound => ({
    ...{ of, measured, must, goal },
    better: 'less',
  });
  const pages = [1, 2].map((at) =>
    bound(
      `list by cursor, page 1,000 ÷ page 1, ${SIZES[at]!.toLocaleString('en')} sessions`,
      ratio(
        times.get('everyone by cursor: page 1,000')![at],
        times.get('everyone by cursor: page 1')![at],
        'p50',
      ),
      2,
      1.4,
    ),
  );
  return [
    bound('token look-up, 5 million ÷ 10 thousand sessions: p50', ratio(look[2], look[0], 'p50'), 1.8, 1.5),
    bound('the same: p99', ratio(look[2], look[0], 'p99'), 3, 2.3),
    ...pages,
  ];
}

/** What a session takes up: its row, and its entry in each index. */
async function sizesOf(stage: Stage, { database, sessions }: Grown): Promise<Table> {
  const rows = await stage.postgres.query<{ what: string; bytes: string; rows: string }>(
    database,
    `SELECT 'row: sessions' AS what, pg_table_size('sessions') AS bytes, $1::bigint AS rows
     UNION ALL
     SELECT 'index: ' || i.relname, pg_relation_size(i.oid), greatest(i.reltuples, 0)::bigint
     FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = 'sessions'::regclass
     UNION ALL SELECT 'all of it', pg_total_relation_size('sessions'), $1::bigint
     ORDER BY 2 DESC`,
    [sessions],
  );
  return {
    title: `What ${sessions.toLocaleString('en')} sessions take up, filled row by row:`,
    rows: rows.map((row) => ({
      what: row.what,
      megabytes: Math.round(Number(row.bytes) / 1e6),
      entries: Number(row.rows),
      'bytes an entry': Number(row.rows) === 0 ? null : Math.round(Number(row.bytes) / Number(row.rows)),
      'bytes a session': (Number(row.bytes) / sessions).toFixed(1),
    })),
  };
}

/** How requests fare while `latchkey retention run` removes what is old, beside how they fare without it, in turn. */
async function besideRemoval(stage: Stage, { database, pool, asked }: Grown, rounds: number): Promise<Table> {
  const { ask } = asked.find(({ name }) => name === FOREGROUND)!;
  const quiet: number[][] = [];
  const beside: number[][] = [];
  const before = await count(pool);
  for (let round = 0; round < rounds; round++) {
    quiet.push(await paced(ask));
    const stop = new AbortController();
    const run = BenchedServer.command(stage.postgres.url(database), ['retention', 'run'], KEPT, stop.signal);
    await hasBegun(pool);
    beside.push(await paced(ask));
    stop.abort();
    await run.catch(() => undefined); // the next one goes on where it stopped
  }
  const removed = before - (await count(pool));
  const seconds = (rounds * PACED_MILLISECONDS) / 1000;
  const row = (what: string, times: readonly number[][]): Row => ({
    [FOREGROUND]: what,
    requests: times.flat().length,
    'p50 ms': shown(spread(times.map((round) => percentile(round, 0.5))), 2),
    'p99 ms': shown(spread(times.map((round) => percentile(round, 0.99))), 2),
    'longest ms': shown(spread(times.map((round) => Math.max(...round))), 1),
  });
  const counted = `${removed.toLocaleString('en')} of ${before.toLocaleString('en')} sessions`;
  return {
    title: `A hundred requests a second beside the removal of old sessions (${counted} went in some ${seconds} seconds, each round broken off):`,
    rows: [row('nothing else', quiet), row('the removal beside it', beside)],
  };
}

async function count(pool: DataSource): Promise<number> {
  const [row] = await pool.query<{ count: number }[]>('SELECT count(*)::int FROM sessions');
  return row!.count;
}

/** Waits until a run has begun, so that the start of its process is no part of what is measured. */
async function hasBegun(pool: DataSource): Promise<void> {
  const begun = () => pool.query<unknown[]>('SELECT FROM retention WHERE run IS NOT NULL');
  while ((await begun()).length === 0) await sleep(20);
}

/** Sends a request every ten milliseconds, however long the ones before take. */
async function paced(ask: () => Promise<unknown>): Promise<number[]> {
  const sent: Promise<number>[] = [];
  const end = performance.now() + PACED_MILLISECONDS;
  for (let due = performance.now(); due < end; due += PACE_MILLISECONDS) {
    await sleep(Math.max(0, due - performance.now()));
    const from = performance.now();
    sent.push(ask().then(() => performance.now() - from));
  }
  return Promise.all(sent);
}
