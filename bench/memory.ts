import { setTimeout as sleep } from 'node:timers/promises';
import { burst, type Load, type Target } from './load.js';
import { loadSessions } from './population.js';
import { targetTable, type Row, type Table } from './report.js';
import { spread } from './rounds.js';
import type { BenchedServer } from './server.js';
import { Stage } from './stage.js';
import { clerkTokensOn, currentOn, jwtOn, listOn, loginOn, passwordHash } from './targets.js';

const SECONDS = 15;
const BYTES_A_MEGABYTE = 1e6;

/** How much memory one process holds at full load, by the kind of load. */
export function memory(): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    await stage.postgres.createDatabase('latchkey');
    const server = await stage.latchkey('latchkey');
    await loadSessions(stage.postgres, 'latchkey', await passwordHash());
    const loads: [string, Target, Load][] = [
      ['GET /sessions/current', currentOn(server), { connections: 32, seconds: SECONDS }],
      ['the same, 512 connections', currentOn(server), { connections: 512, seconds: SECONDS }],
      ['GET /sessions, 30 of 60', listOn(server, 60), { connections: 32, seconds: SECONDS }],
      ['POST /sessions', loginOn(server), { connections: 16, seconds: SECONDS }],
      ['POST /sessions/jwt', jwtOn(server), { connections: 32, seconds: SECONDS }],
      ['POST Clerk’s /tokens', await clerkTokensOn(server), { connections: 32, seconds: SECONDS }],
    ];
    const rows: Row[] = [asRow('started, nothing asked yet', null, await server.residentBytes())];
    let peak: number | null = null;
    for (const [name, target, load] of loads) {
      const { bytes, requestsPerSecond } = await heldDuring(server, () =>
        burst(stage.postgres, target, load),
      );
      rows.push(asRow(name, requestsPerSecond, bytes));
      if (bytes !== null) peak = Math.max(peak ?? 0, bytes);
    }
    await sleep(10_000);
    rows.push(asRow('ten seconds later', null, await server.residentBytes()));
    const measured = peak === null ? null : spread([peak / BYTES_A_MEGABYTE]);
    return [
      { rows },
      targetTable([{ of: 'MB held at most', measured, must: 200, goal: 150, better: 'less' }]),
    ];
  });
}

/** The most that a server holds while something is done to it; null where that cannot be read. */
async function heldDuring<T extends object>(
  server: BenchedServer,
  work: () => Promise<T>,
): Promise<T & { bytes: number | null }> {
  let bytes: number | null = null;
  let done = false;
  const watching = (async () => {
    while (!done) {
      const held = await server.residentBytes();
      if (held !== null) bytes = Math.max(bytes ?? 0, held);
      await sleep(250);
    }
  })();
  const result = await work().finally(() => (done = true));
  await watching;
  return { ...result, bytes };
}

function asRow(load: string, requestsPerSecond: number | null, bytes: number | null): Row {
  return {
    load,
    'requests/s': requestsPerSecond?.toFixed(0) ?? null,
    'MB held at most': bytes === null ? null : (bytes / BYTES_A_MEGABYTE).toFixed(0),
  };
}
