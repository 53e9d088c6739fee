import type { Target } from './load.js';
import { shown, targetTable, type Row, type Table } from './report.js';
import { interleaved, ratioOf, spreadOf, type Measured } from './rounds.js';
import { ADMIN, type BenchedServer } from './server.js';
import { Stage } from './stage.js';
import type { SuiteOptions } from './suite.js';

const JSON_API = 'application/vnd.api+json';
const PERSON = { email: 'person@example.com', password: 'a password for the bench' };
/** Sessions of the person, all on one page. */
const SESSIONS = 30;
const LOAD = { connections: 4, seconds: 2 };

/** What a list of 30 sessions and one session cost through each API, against the native one. */
export function faces({ rounds }: SuiteOptions): Promise<readonly Table[]> {
  return Stage.with(async (stage) => {
    await stage.postgres.createDatabase('latchkey');
    const { lists, gets } = await targetsOn(await stage.latchkey('latchkey'));
    const measured = [
      await interleaved(stage.postgres, lists, LOAD, rounds),
      await interleaved(stage.postgres, gets, LOAD, rounds),
    ];
    const slowest = measured.flatMap((rows) =>
      rows.slice(1).map((row) => ({ of: row.name, measured: ratioOf(row, rows[0]!, 'milliseconds') })),
    );
    return [
      { rows: measured.flatMap((rows) => rows.map((row) => asRow(row, rows[0]!))) },
      targetTable(
        slowest.map(({ of, measured }) => ({
          of: `${of} × native`,
          measured,
          must: 1.25,
          goal: 1.1,
          better: 'less',
        })),
      ),
    ];
  });
}

function asRow(row: Measured, native: Measured): Row {
  return {
    request: row.name,
    '× native': shown(ratioOf(row, native, 'milliseconds'), 2),
    'median ms': shown(spreadOf(row, 'milliseconds'), 2),
    'requests/s': shown(spreadOf(row, 'requestsPerSecond'), 0),
    'p99 ms': shown(spreadOf(row, 'p99Milliseconds'), 1),
    'server CPU µs': shown(spreadOf(row, 'cpuMicroseconds'), 0),
    'PostgreSQL CPU µs': shown(spreadOf(row, 'databaseCpuMicroseconds'), 0),
  };
}

/** The list of 30 sessions through one of the APIs: `Lendix`, `Clerk`, `PORTOS`, `ZITADEL`. */
export async function listThrough(api: string, server: BenchedServer): Promise<Target> {
  const { lists } = await targetsOn(server);
  return lists.find(({ name }) => name === `${api}, list`)!;
}

/**
 * A person with 30 sessions, seen through each API; the first of each is the native one. Every list shows all of them,
 * and no list has to count beyond its page.
 */
async function targetsOn(server: BenchedServer): Promise<{ lists: Target[]; gets: Target[] }> {
  const admin = await signIn(server, ADMIN);
  await ask(server, '/api/v2/users', documentOf('users', PERSON), { 'X-Auth-Token': admin.token });
  // One of them is opened in a browser, below.
  for (let n = 2; n < SESSIONS; n++) await signIn(server, PERSON);
  const { id, token, userId } = await signIn(server, PERSON);
  const browser = await openInBrowser(server);
  const native = { 'X-Auth-Token': token };
  const bearer = { Authorization: `Bearer ${token}` };
  const lendix = {
    sessionToken: token.replaceAll('-', ''),
    userId: BigInt(userId).toString(16).padStart(24, '0'),
  };
  const clerk = { Authorization: `Bearer ${browser.token}` };
  const portosId = await firstPortosId(server, bearer);
  return {
    lists: [
      {
        server,
        name: 'native, list',
        path: '/api/v2/sessions',
        headers: native,
        answers: /"total_count":30\b/,
      },
      {
        server,
        name: 'Lendix, list',
        path: '/lendix/sessions?limit=30',
        headers: lendix,
        answers: /^{"sessions":\[(\{"id":[^{}]*\},?){30}\],"remaining":0/,
      },
      {
        server,
        name: 'Clerk, list',
        path: `/clerk/v1/me/sessions?_is_native=1&_clerk_session_id=${browser.sessionId}`,
        headers: clerk,
        answers: /^(.*?"object":"session"){30}/,
      },
      {
        server,
        name: 'PORTOS, list',
        path: '/portos/sessions?$take=30',
        headers: bearer,
        answers: /"count":30,"totalCount":30\b/,
      },
      {
        server,
        name: 'ZITADEL, list',
        path: '/zitadel/v2/sessions/search',
        method: 'POST',
        headers: { ...bearer, 'Content-Type': 'application/json' },
        body: '{"query":{"limit":30}}',
        answers: /"totalResult":"30"/,
      },
    ],
    gets: [
      { server, name: 'native, get', path: `/api/v2/sessions/${id}`, headers: native },
      {
        server,
        name: 'Lendix, get',
        path: `/lendix/sessions/${BigInt(id).toString(16).padStart(24, '0')}`,
        headers: lendix,
      },
      {
        server,
        name: 'Clerk, get',
        path: `/clerk/v1/client/sessions/${browser.sessionId}?_is_native=1`,
        headers: clerk,
      },
      { server, name: 'PORTOS, get', path: `/portos/sessions/${portosId}`, headers: bearer },
      { server, name: 'ZITADEL, get', path: `/zitadel/v2/sessions/${id}`, headers: bearer },
    ],
  };
}

async function signIn(
  server: BenchedServer,
  { email, password }: typeof PERSON,
): Promise<{ id: string; token: string; userId: string }> {
  const { body } = await ask(server, '/api/v2/sessions', documentOf('sessions', { email, password }));
  const { id, attributes } = body.data as { id: string; attributes: { token: string; user_id: number } };
  return { id, token: attributes.token, userId: String(attributes.user_id) };
}

/** Signs in as Clerk's native apps do. */
async function openInBrowser(server: BenchedServer): Promise<{ token: string; sessionId: string }> {
  const { email: identifier, password } = PERSON;
  const form = new URLSearchParams({ strategy: 'password', identifier, password }).toString();
  const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const { body, headers } = await ask(server, '/clerk/v1/client/sign_ins?_is_native=1', form, type);
  const { created_session_id } = body.response as { created_session_id: string };
  return { token: headers.get('authorization') ?? '', sessionId: created_session_id };
}

async function firstPortosId(server: BenchedServer, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${server.url}/portos/sessions?$take=1`, { headers });
  const { items } = (await response.json()) as { items: { sessionId: string }[] };
  return items[0]!.sessionId;
}

async function ask(
  server: BenchedServer,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': JSON_API, ...headers },
    body,
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return { body: (await response.json()) as Record<string, unknown>, headers: response.headers };
}

function documentOf(type: string, attributes: object): string {
  return JSON.stringify({ data: { type, attributes } });
}
