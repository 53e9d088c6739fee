import { createHmac } from 'node:crypto';
import type { Target } from './load.js';
import { loadBetterAuth, loadExpressSessions, loadSessions, tokensInRotation } from './population.js';
import { serverRow, shown, targetTable, type Bound, type Row, type Table } from './report.js';
import { interleaved, ratioOf, type Measured } from './rounds.js';
import { sameDocument } from './same-document.js';
import { Stage } from './stage.js';
import type { SuiteOptions } from './suite.js';
import { currentOn } from './targets.js';

const LOAD = { connections: 32, seconds: 2 };
const SECRET = 'a secret of the bench, long enough for all of them';

/** A bearer token in, one session out: Latchkey beside the floor and beside what others serve. */
export function hot({ beside, rounds }: SuiteOptions): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    const latchkeys = await latchkeyTargets(stage, beside);
    const [floor, current, floorWithUser, withUser] = latchkeys;
    await sameDocument(floor!, current!);
    await sameDocument(floorWithUser!, withUser!);
    const targets = [...latchkeys, ...(await expressTargets(stage)), ...(await betterAuthTargets(stage))];
    const measured = await interleaved(stage.postgres, targets, LOAD, rounds);
    return [{ rows: measured.map((row) => asRow(row, measured[0]!)) }, targetTable(boundsOf(measured))];
  });
}

/** The floor and Latchkey, on the same tables; both also with the user in the answer, as the others have it. */
async function latchkeyTargets(stage: Stage, beside: string | undefined): Promise<Target[]> {
  await stage.postgres.createDatabase('latchkey');
  const server = await stage.latchkey('latchkey');
  await loadSessions(stage.postgres, 'latchkey');
  const floor = await stage.reference('floor', 'latchkey');
  const current = currentOn(server);
  const other = beside === undefined ? null : await stage.latchkey('latchkey', {}, { build: beside });
  const withUser = { ...current, path: `${current.path}?include=user`, answers: /"email":"person-/ };
  return [
    { ...current, name: 'floor', server: floor },
    current,
    { ...withUser, name: 'floor, with the user', server: floor },
    { ...withUser, name: 'Latchkey, with the user' },
    ...(other === null ? [] : [{ ...current, name: `Latchkey of ${beside}`, server: other }]),
  ];
}

async function expressTargets(stage: Stage): Promise<Target[]> {
  const database = 'express_session';
  await stage.postgres.createDatabase(database);
  const touching = await stage.reference('express-session', database, { SECRET });
  const inExpress = await stage.reference('express-session', database, { SECRET, EXPRESS: 'true' });
  const reading = await stage.reference('express-session', database, { SECRET, TOUCH: 'false' });
  await loadExpressSessions(stage.postgres, database);
  const rotation = tokensInRotation().map((sid) => {
    const signature = createHmac('sha256', SECRET).update(sid).digest('base64').replace(/=+$/, '');
    return { headers: { Cookie: `connect.sid=${encodeURIComponent(`s:${sid}.${signature}`)}` } };
  });
  const common = { path: '/session', headers: {}, rotation, answers: /"email":"person-/ };
  return [
    { ...common, name: 'express-session on PostgreSQL, touching', server: touching },
    { ...common, name: 'express-session on PostgreSQL, touching, in Express', server: inExpress },
    { ...common, name: 'express-session on PostgreSQL, not touching', server: reading },
  ];
}

async function betterAuthTargets(stage: Stage): Promise<Target[]> {
  const database = 'better_auth';
  await stage.postgres.createDatabase(database);
  const plain = await stage.reference('better-auth', database, { SECRET });
  const joined = await stage.reference('better-auth', database, { SECRET, JOINS: 'true' });
  const cached = await stage.reference('better-auth', database, { SECRET, CACHE: 'true' });
  await loadBetterAuth(stage.postgres, database);
  const rotation = tokensInRotation().map((token) => {
    const signature = createHmac('sha256', SECRET).update(token).digest('base64');
    return {
      headers: { Cookie: `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}` },
    };
  });
  const path = '/api/auth/get-session';
  const common = { path, headers: {}, rotation, answers: /"email":"person-/ };
  const caching = await Promise.all(
    rotation.map(async ({ headers }) => {
      const response = await fetch(`${cached.url}${path}`, { headers });
      const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
      return { headers: { Cookie: [headers.Cookie, ...cookies].join('; ') } };
    }),
  );
  return [
    { ...common, name: 'better-auth get-session', server: plain },
    { ...common, name: 'better-auth get-session, its joins', server: joined },
    { ...common, name: 'better-auth get-session, its cookie cache', server: cached, rotation: caching },
  ];
}

function asRow(row: Measured, floor: Measured): Row {
  const p99TimesFloor = shown(ratioOf(row, floor, 'p99Milliseconds'), 2);
  return { ...serverRow(row, floor, 'floor'), 'p99 × floor': p99TimesFloor };
}

function boundsOf(measured: readonly Measured[]): Bound[] {
  const named = (name: string) => measured.find((row) => row.name === name)!;
  const [own, floor] = [named('Latchkey'), named('floor')];
  const against = (name: string) => ratioOf(own, named(name), 'requestsPerSecond');
  return [
    { of: 'requests/s × floor', measured: against('floor'), must: 0.45, goal: 0.65, better: 'more' },
    {
      of: 'requests/s × better-auth',
      measured: against('better-auth get-session'),
      must: 6,
      goal: 8,
      better: 'more',
    },
    {
      of: 'requests/s × express-session on PostgreSQL, touching',
      measured: against('express-session on PostgreSQL, touching'),
      must: 2,
      goal: 3,
      better: 'more',
    },
    {
      of: 'server CPU × floor',
      measured: ratioOf(own, floor, 'cpuMicroseconds'),
      must: 2.2,
      goal: 1.6,
      better: 'less',
    },
    {
      of: 'PostgreSQL CPU × floor',
      measured: ratioOf(own, floor, 'databaseCpuMicroseconds'),
      must: 1.3,
      goal: 1.1,
      better: 'less',
    },
    {
      of: 'p99 × floor',
      measured: ratioOf(own, floor, 'p99Milliseconds'),
      must: 2.5,
      goal: 1.7,
      better: 'less',
    },
  ];
}
