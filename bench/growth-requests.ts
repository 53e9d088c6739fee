import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { DataSource } from 'typeorm';
import { ADMIN, type BenchedServer } from './server.js';

/** One kind of request, asked about another session, user or place each time. */
export interface Asked {
  readonly name: string;
  readonly ask: () => Promise<unknown>;
}

/** Every authenticated request that is held up by the removal of old sessions, if any is. */
export const FOREGROUND = 'GET /sessions/current';

const PAGE = 30;
const FARTHEST = 1_000_000;
const JSON_API = 'application/vnd.api+json';

/** Signs the bench's administrator in. @returns the token */
export async function signInAsAdmin(server: BenchedServer): Promise<string> {
  const response = await fetch(`${server.url}/api/v2/sessions`, {
    method: 'POST',
    headers: { 'Content-Type': JSON_API },
    body: JSON.stringify({ data: { type: 'sessions', attributes: ADMIN } }),
  });
  const { data } = (await response.json()) as { data: { attributes: { token: string } } };
  return data.attributes.token;
}

/** Hashes of tokens of `loadGrowth`, any of them as often as any other. */
export function lookUpsOn(sessions: number): () => Buffer {
  return () =>
    createHash('sha256')
      .update(tokenOf(anyOf(sessions)))
      .digest();
}

/** Where the ids of `loadGrowth` begin, and users of some twenty sessions, any of them as often as any other. */
export async function idsOf(pool: DataSource, sessions: number) {
  const [row] = await pool.query<Record<'users' | 'organizations' | 'browsers', string>[]>(
    `SELECT (SELECT min(id) FROM users WHERE email = 'person-1@example.com') AS users,
       (SELECT min(id) FROM organizations) AS organizations, (SELECT min(id) FROM browsers) AS browsers`,
  );
  const { users, organizations, browsers } = row!;
  const first = {
    users: Number(users),
    organizations: Number(organizations),
    browsers: Number(browsers),
  };
  const count = Math.max(10, sessions / 20);
  return { first, anyUser: () => first.users + 3 + anyOf(count - 4) };
}

/**
 * What is asked of one size: recognition, lists, and a search by each filter that has an index.
 * @param pool on the server's database
 * @param admin a token that may read everything
 */
export async function requestsOn(
  server: BenchedServer,
  pool: DataSource,
  admin: string,
  sessions: number,
  { first, anyUser }: Awaited<ReturnType<typeof idsOf>>,
): Promise<Asked[]> {
  const send = sender(server);
  const everyone = (query: string, more: Sent = {}) =>
    send(`/api/v2/sessions?filter[user_id]=all&${query}`, admin, more);
  const places = await placesOf(pool);
  const byCursor = (page: number) => `page[size]=${PAGE}&page[after]=${places[page] ?? ''}`;
  return [
    { name: FOREGROUND, ask: () => send('/api/v2/sessions/current', tokenOf(liveOne(sessions))) },
    {
      name: 'one’s own list, some 14 sessions',
      ask: () => send('/api/v2/sessions', tokenOf(liveOne(sessions))),
    },
    { name: 'one’s own list of a tenth of them all', ask: () => send('/api/v2/sessions', tokenOf(TENTH)) },
    { name: 'everyone, page 1', ask: () => everyone('') },
    { name: 'everyone by cursor: page 1', ask: () => everyone(byCursor(1)) },
    ...(places[1000]
      ? [{ name: 'everyone by cursor: page 1,000', ask: () => everyone(byCursor(1000)) }]
      : []),
    ...(places[1000]
      ? [{ name: 'everyone, page[number]=1000', ask: () => everyone('page[number]=1000') }]
      : []),
    ...(sessions > 2 * FARTHEST
      ? [
          {
            name: 'everyone, as far as a number goes',
            ask: () => everyone(`page[number]=${FARTHEST / 200}&page[size]=200`),
          },
        ]
      : []),
    { name: 'sort=-created_at of everyone', ask: () => everyone('sort=-created_at') },
    { name: 'filter[user_id]', ask: () => send(`/api/v2/sessions?filter[user_id]=${anyUser()}`, admin) },
    {
      name: 'filter[organization_id]',
      ask: () => everyone(`filter[organization_id]=${first.organizations + anyOf(999)}`),
    },
    {
      name: 'filter[browser_id]',
      ask: () => everyone(`filter[browser_id]=${first.browsers + anyOf(sessions / 10 - 1)}`),
    },
    { name: 'filter[creator_id], of one session', ask: () => everyone(`filter[creator_id]=${anyUser()}`) },
    {
      name: 'filter[creator_id], of a twentieth',
      ask: () => everyone(`filter[creator_id]=${first.users + 2}`),
    },
    {
      name: 'filter[fingerprint]',
      ask: () => everyone(`filter[fingerprint]=fingerprint-${md5(`agent ${anyOf(sessions / 10) * 10 + 3}`)}`),
    },
    {
      name: 'ZITADEL’s search',
      ask: () => send('/zitadel/v2/sessions/search', admin, { body: { query: { limit: PAGE } } }),
    },
    {
      name: 'ZITADEL’s search by creator',
      ask: () =>
        send('/zitadel/v2/sessions/search', admin, {
          body: { query: { limit: PAGE }, queries: [{ creatorQuery: { id: String(anyUser()) } }] },
        }),
    },
    {
      name: 'PORTOS, the newest of everybody’s',
      ask: () => send('/portos/sessions?$take=30&$sort=-sessionId', admin),
    },
    {
      name: 'no index: filter[name][contains]',
      ask: () => everyone('filter[name][contains]=job%2099999', { mayBeRefused: true }),
    },
    {
      name: 'no index: sort=-last_activity_at',
      ask: () => everyone('sort=-last_activity_at', { mayBeRefused: true }),
    },
  ];
}

interface Sent {
  readonly body?: object;
  /** As too broad, when PostgreSQL does not get through within its ten seconds: the times show it. */
  readonly mayBeRefused?: boolean;
}

/** Answers are read to their end. @throws Error unless it is a success */
function sender(server: BenchedServer) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return (path: string, token: string, { body, mayBeRefused = false }: Sent = {}): Promise<void> => {
    const content = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      Authorization: `Bearer ${token}`,
      ...(body && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }),
    };
    return new Promise((resolve, reject) => {
      const options = { method: body === undefined ? 'GET' : 'POST', headers, agent };
      const sent = request(server.url + path, options, (response) => {
        response.resume().on('end', () => {
          if (response.statusCode! < 300 || (mayBeRefused && response.statusCode === 400)) resolve();
          else reject(new Error(`${path}: ${response.statusCode}`));
        });
      });
      sent.on('error', reject).end(content);
    });
  };
}

/** The cursors behind which the pages 1,000 and 1 of everyone's live sessions begin. */
async function placesOf(pool: DataSource): Promise<Record<number, string>> {
  const [row] = await pool.query<{ id: string }[]>(
    `SELECT id FROM sessions WHERE status = 'active' AND (expires_at IS NULL OR expires_at > now())
     ORDER BY id DESC OFFSET $1 LIMIT 1`,
    [999 * PAGE - 1],
  );
  return row === undefined
    ? {}
    : { 1000: Buffer.from(JSON.stringify(['-id', row.id])).toString('base64url') };
}

/** The first session of whoever has a tenth of them all that is live. */
const TENTH = 1;

function anyOf(most: number): number {
  return 1 + Math.floor(Math.random() * most);
}

/** The n-th session as `loadGrowth` makes it; a browser session that is live. */
function liveOne(sessions: number): number {
  for (;;) {
    const n = anyOf(sessions);
    const kind = (n * 7919) % 100;
    if (kind >= 4 && kind < 74) return n;
  }
}

function tokenOf(session: number): string {
  return md5(`session ${session}`).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
