import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { loadSessions } from './population.js';
import { shown, targetTable, type Row, type Table } from './report.js';
import { excessOf, interleaved, median, spreadOf, type Measured, type Spread } from './rounds.js';
import { Stage } from './stage.js';
import type { SuiteOptions } from './suite.js';
import { clerkTokensOn, currentOn, jwtOn, passwordHash } from './targets.js';

const LOAD = { connections: 32, seconds: 2 };

/** What minting a token costs beside a request that only authenticates: the native one's ES256, Clerk's RS256. */
export function jwt({ rounds }: SuiteOptions): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    await stage.postgres.createDatabase('latchkey');
    const server = await stage.latchkey('latchkey');
    await loadSessions(stage.postgres, 'latchkey', await passwordHash());
    const get = { ...currentOn(server), name: 'GET /sessions/current' };
    const targets = [get, jwtOn(server), await clerkTokensOn(server)];
    const measured = await interleaved(stage.postgres, targets, LOAD, rounds);
    const [current, native, clerk] = measured as [Measured, Measured, Measured];
    const [es256, rs256] = [signingMicroseconds(...ES256), signingMicroseconds(...RS256)];
    const [beside, besideClerk] = [native, clerk].map((row) => excessOf(row, current, 'cpuMicroseconds')) as [
      Spread | null,
      Spread | null,
    ];
    return [
      { rows: [asRow(current), asRow(native, beside, es256), asRow(clerk, besideClerk, rs256)] },
      targetTable([
        {
          of: 'POST /sessions/jwt, CPU µs beside the GET',
          measured: beside,
          must: 120,
          goal: 50,
          better: 'less',
        },
        {
          of: 'Clerk’s /tokens, CPU µs beside the GET and an RS256 signature',
          measured: besideClerk && less(besideClerk, rs256),
          must: 120,
          goal: 50,
          better: 'less',
        },
      ]),
    ];
  });
}

function asRow(row: Measured, beside: Spread | null = null, signing: number | null = null): Row {
  return {
    request: row.name,
    'requests/s': shown(spreadOf(row, 'requestsPerSecond'), 0),
    'server CPU µs': shown(spreadOf(row, 'cpuMicroseconds'), 0),
    'beside the GET µs': shown(beside, 0),
    'one signature µs': signing?.toFixed(0) ?? null,
    'PostgreSQL CPU µs': shown(spreadOf(row, 'databaseCpuMicroseconds'), 0),
    'p99 ms': shown(spreadOf(row, 'p99Milliseconds'), 1),
  };
}

function less({ median, least, most }: Spread, by: number): Spread {
  return { median: median - by, least: least - by, most: most - by };
}

const ES256 = [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 2_000] as const;
const RS256 = [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, 400] as const;

/** Processor time of one signature by node:crypto, made while nothing else runs: what no server can save. */
function signingMicroseconds(key: KeyObject, times: number): number {
  const message = Buffer.alloc(400, 'x');
  const once = () => {
    const before = process.cpuUsage();
    for (let n = 0; n < times; n++) sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  };
  return median(Array.from({ length: 5 }, once));
}
