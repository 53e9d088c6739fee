import { setTimeout as sleep } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import { byAutocannon } from './autocannon.js';
import { paced } from './paced.js';
import { loadSessions } from './population.js';
import { shown, targetTable, type Bound, type Row, type Table } from './report.js';
import { excessOf, interleaved, ratioOf, spread, spreadOf, type Measured, type Spread } from './rounds.js';
import type { BenchedServer } from './server.js';
import { Stage } from './stage.js';
import type { SuiteOptions } from './suite.js';
import { currentOn, loginOn, passwordHash } from './targets.js';

const CORES = availableParallelism();
const CONNECTIONS = 16;
/** Counted and not timed, so that what is still being hashed at the end of a burst is of that burst. */
const LOAD = { connections: CONNECTIONS, requests: 128 };
/** Of so many reads the sixteenth slowest is the p99, so that no single pause of a core decides. */
const READS = { perSecond: 200, seconds: 8 };

/** Signing in at bcrypt cost 10 beside what hashing allows, and what a flood of it does to everybody else. */
export function login({ rounds }: SuiteOptions): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    await stage.postgres.createDatabase('latchkey');
    const [usual, all] = [
      await stage.latchkey('latchkey'),
      await stage.latchkey('latchkey', { PASSWORD_CONCURRENCY: String(CORES) }),
    ];
    await loadSessions(stage.postgres, 'latchkey', await passwordHash());
    const bare = await stage.reference('login', 'latchkey');
    const targets = [
      { ...loginOn(bare), name: 'hashes alone: the ceiling', path: '/hash' },
      { ...loginOn(bare), name: 'bare' },
      { ...loginOn(all), name: `Latchkey, ${CORES} hashes at once (cores)` },
      { ...loginOn(usual), name: `Latchkey, ${Math.max(1, CORES - 1)} at once (default)` },
    ];
    const measured = await interleaved(stage.postgres, targets, LOAD, rounds);
    const floods = [
      await flooded(usual, `${Math.max(1, CORES - 1)} (default)`, rounds),
      await flooded(all, `${CORES} (cores)`, Math.ceil(rounds / 2)), // beside the point, and twenty seconds each
    ];
    return [
      { rows: measured.map((row) => asRow(row, measured[0]!)) },
      {
        title: `${READS.perSecond} GETs a second, alone and beside ${CONNECTIONS} logins in flight:`,
        rows: floods.map(({ row }) => row),
      },
      targetTable(boundsOf(measured, floods[0]!.ratio)),
    ];
  });
}

function asRow(row: Measured, ceiling: Measured): Row {
  return {
    server: row.name,
    'logins/s': shown(spreadOf(row, 'requestsPerSecond'), 1),
    '× ceiling': shown(ratioOf(row, ceiling, 'requestsPerSecond'), 2),
    'server CPU ms': shown(milli(spreadOf(row, 'cpuMicroseconds')), 1),
    'beside the hash ms': row === ceiling ? null : shown(milli(excessOf(row, ceiling, 'cpuMicroseconds')), 1),
    'PostgreSQL CPU ms': shown(milli(spreadOf(row, 'databaseCpuMicroseconds')), 2),
  };
}

/** How long reads take, alone and while others sign in, in turn. */
async function flooded(
  server: BenchedServer,
  bound: string,
  rounds: number,
): Promise<{ row: Row; ratio: Spread }> {
  const alone: number[] = [];
  const beside: number[] = [];
  const logins: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push((await paced(currentOn(server), READS)).p99Milliseconds);
    const flood = byAutocannon(loginOn(server), { connections: CONNECTIONS, seconds: READS.seconds + 3 });
    await sleep(500);
    beside.push((await paced(currentOn(server), READS)).p99Milliseconds);
    const { answered, seconds } = await flood;
    logins.push(answered / seconds);
    await sleep(2_000); // what is still being hashed has nothing to do with the next round
  }
  const ratio = spread(beside.map((milliseconds, round) => milliseconds / alone[round]!));
  const row = {
    'hashes at once': bound,
    'GET p99 alone ms': shown(spread(alone), 1),
    'in the flood ms': shown(spread(beside), 1),
    'flood / alone': shown(ratio, 1),
    'logins/s': shown(spread(logins), 1),
  };
  return { row, ratio };
}

function boundsOf(measured: readonly Measured[], flood: Spread): Bound[] {
  const [ceiling, , own] = measured as [Measured, Measured, Measured];
  return [
    {
      of: 'logins/s × ceiling, as many hashes at once as cores',
      measured: ratioOf(own, ceiling, 'requestsPerSecond'),
      must: 0.85,
      goal: 0.92,
      better: 'more',
    },
    {
      of: 'server CPU ms beside the hash',
      measured: milli(excessOf(own, ceiling, 'cpuMicroseconds')),
      must: 5,
      goal: 3,
      better: 'less',
    },
    { of: 'GET p99, flood / alone, default', measured: flood, must: 3, goal: 2, better: 'less' },
  ];
}

function milli(micro: Spread | null): Spread | null {
  return micro && { median: micro.median / 1e3, least: micro.least / 1e3, most: micro.most / 1e3 };
}
