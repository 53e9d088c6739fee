import { interleaved, type Measured } from './rounds.js';
import type { Target } from './load.js';
import { ADMIN, BenchedServer } from './server.js';

const JSON_API = 'application/vnd.api+json';
const PERSON = { email: 'person@example.com', password: 'a password for the bench' };
/** Sessions of the person, all on one page. */
const SESSIONS = 30;
const LOAD = { rounds: 5, connections: 4, seconds: 2 };

/** What a list of 30 sessions and one session cost through each API, against the native one. */
export async function faces(): Promise<Record<string, string | number | null>[]> {
  const server = await BenchedServer.start();
  try {
    const { lists, gets } = await targetsOn(server);
    const measured = [await interleaved(server, lists, LOAD), await interleaved(server, gets, LOAD)];
    return measured.flatMap((rows) => rows.map((row) => shown(row, rows[0]!)));
  } finally {
    await server.stop();
  }
}

function shown(row: Measured, native: Measured): Record<string, string | number | null> {
  return {
    request: row.name,
    '× native': (row.milliseconds / native.milliseconds).toFixed(2),
    'median ms': row.milliseconds.toFixed(2),
    'min–max ms': `${row.least.toFixed(2)}–${row.most.toFixed(2)}`,
    'requests/s': Math.round(row.requestsPerSecond),
    'p99 ms': row.p99Milliseconds,
    'server CPU µs': row.cpuMicroseconds === null ? null : Math.round(row.cpuMicroseconds),
  };
}

/** A person with 30 sessions, seen through each API; the first of each is the native one. */
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
  const search = {
    path: '/zitadel/v2/sessions/search',
    method: 'POST' as const,
    body: '{"query":{"limit":30}}',
  };
  return {
    lists: [
      { name: 'native, list', path: '/api/v2/sessions', headers: native },
      { name: 'Lendix, list', path: '/lendix/sessions?limit=30', headers: lendix },
      {
        name: 'Clerk, list',
        path: `/clerk/v1/me/sessions?_is_native=1&_clerk_session_id=${browser.sessionId}`,
        headers: clerk,
      },
      { name: 'PORTOS, list', path: '/portos/sessions?$take=30', headers: bearer },
      { name: 'ZITADEL, list', ...search, headers: { ...bearer, 'Content-Type': 'application/json' } },
    ],
    gets: [
      { name: 'native, get', path: `/api/v2/sessions/${id}`, headers: native },
      {
        name: 'Lendix, get',
        path: `/lendix/sessions/${BigInt(id).toString(16).padStart(24, '0')}`,
        headers: lendix,
      },
      {
        name: 'Clerk, get',
        path: `/clerk/v1/client/sessions/${browser.sessionId}?_is_native=1`,
        headers: clerk,
      },
      { name: 'PORTOS, get', path: `/portos/sessions/${portosId}`, headers: bearer },
      { name: 'ZITADEL, get', path: `/zitadel/v2/sessions/${id}`, headers: bearer },
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
