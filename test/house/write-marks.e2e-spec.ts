import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { toId } from '../../src/faces/clerk/ids.js';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { ClerkBrowser, ORIGIN } from '../support/clerk-browser.js';
import { freePort } from '../support/free-port.js';
import { Latchkey, type Person } from '../support/latchkey.js';
import { declaredRoutesOf, type DeclaredRoute } from '../support/routes.js';

/** Routes that look at a credential and change nothing, although their method says that they may. */
const HARMLESS = [
  'POST /api/v2/sessions/jwt',
  'POST /clerk/v1/client/sessions/:session_id/tokens',
  'POST /clerk/v1/client/sessions/:session_id/tokens/:template_name',
  'POST /zitadel/v2/sessions/search',
];
/** Routes after which nobody asks with the session any more. */
const ENDING = ['DELETE /clerk/v1/client', 'DELETE /clerk/v1/client/sessions', 'DELETE /portos/api/auth'];

let latchkey: Latchkey;
let admin: Person;
let routes: DeclaredRoute[];

beforeAll(async () => {
  const nobody = `postgres://latchkey@127.0.0.1:${await freePort()}/latchkey`;
  // The database is the rig's all the same: its address is what the configuration asks for beside a replica's.
  const replicated = { DATABASE_URL: nobody, DATABASE_REPLICA_URL: nobody };
  latchkey = await Latchkey.start({ ...replicated, ALLOWED_ORIGINS: ORIGIN });
  admin = await latchkey.addUser({ rights: ['*'] });
  routes = declaredRoutesOf(latchkey.app).filter(({ access }) => access?.who !== 'anyone');
});
afterAll(() => latchkey.stop());

const nameOf = ({ method, path }: DeclaredRoute) => `${method} ${path}`;

describe('With a replica that is away', () => {
  it('every route that may change something leaves its mark on the session that asks, whatever is answered', async () => {
    const changing = routes.filter((route) => route.method !== 'GET' && !HARMLESS.includes(nameOf(route)));
    expect(changing.length).toBeGreaterThan(40);
    expect(changing.map(nameOf)).toEqual(expect.arrayContaining(ENDING));
    for (const route of changing) {
      const left = ENDING.includes(nameOf(route)) ? 'its end' : 'a mark';
      expect([nameOf(route), await leftBy(route)]).toEqual([nameOf(route), left]);
    }
  });

  it('a route that changes nothing leaves none, so that lists do not send each other to the primary', async () => {
    const reading = routes.filter((route) => route.method === 'GET' || HARMLESS.includes(nameOf(route)));
    expect(reading.map(nameOf)).toEqual(expect.arrayContaining(HARMLESS));
    for (const route of reading) {
      expect([nameOf(route), await leftBy(route)]).toEqual([nameOf(route), 'nothing']);
    }
  });

  it('lists are the primary’s, and the service is ready', async () => {
    const { sessionId, token } = await latchkey.signIn(admin);
    const { body } = await latchkey.get('/api/v2/sessions?page[size]=1', token).expect(200);
    expect(body.data).toEqual([expect.objectContaining({ id: sessionId })]);
    await latchkey.get('/health/ready', null).expect(200);
  });

  it('acts of one session at once share a mark and are all answered', async () => {
    const { sessionId, token } = await latchkey.signIn(admin);
    const rename = { data: { type: 'sessions', id: sessionId, attributes: { note: 'here' } } };
    const path = `/api/v2/sessions/${sessionId}`;
    const answers = await Promise.all(Array.from({ length: 20 }, () => latchkey.patch(path, token, rename)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const mark = await markOf(sessionId);
    expect(mark).toBeGreaterThan(0);
    expect(mark).toBeLessThanOrEqual(20);
  });

  it('an act whose mark cannot be written is answered as unavailable, in the words of its API', async () => {
    const { sessionId, token } = await latchkey.signIn(admin);
    await latchkey.sql(
      `CREATE FUNCTION refuse_marks() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END $$`,
    );
    await latchkey.sql(
      `CREATE TRIGGER refuse_marks BEFORE UPDATE OF write_mark ON sessions FOR EACH ROW EXECUTE FUNCTION refuse_marks()`,
    );
    try {
      const answer = await latchkey.delete(`/api/v2/sessions/${sessionId}`, token).expect(503);
      expect(answer.body.errors).toEqual([expect.objectContaining({ code: 'unavailable' })]);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    } finally {
      await latchkey.sql('DROP FUNCTION refuse_marks CASCADE');
    }
  });
});

/** What a request of the route leaves on a fresh session; besides its credential nothing in it makes sense. */
async function leftBy(route: DeclaredRoute): Promise<'a mark' | 'nothing' | 'its end'> {
  const { sessionId, send } = await seatFor(route);
  const own = HARMLESS.includes(nameOf(route)) ? toId('session', sessionId) : '0';
  const path = route.path.replace(':session_id', own).replaceAll(/:\w+/g, '0');
  const answer = await send(route.method.toLowerCase() as 'post', path);
  const [live] = await latchkey.sql(`SELECT id FROM sessions WHERE id = $1 AND status = 'active'`, [
    sessionId,
  ]);
  if (live === undefined) return 'its end';
  const mark = await markOf(sessionId);
  expect(mark).toBeLessThanOrEqual(1);
  if (mark === 1) return 'a mark';
  expect([401, 405]).not.toContain(answer.status); // else nobody came to the route
  return 'nothing';
}

async function markOf(sessionId: string): Promise<number> {
  const text = 'SELECT write_mark::int AS mark FROM sessions WHERE id = $1';
  return (await latchkey.sql<{ mark: number }>(text, [sessionId]))[0]!.mark;
}

/** A fresh session, and how the route's API is spoken to with it. */
async function seatFor({ path }: DeclaredRoute) {
  if (path.startsWith('/clerk')) {
    const browser = new ClerkBrowser(latchkey);
    const id = await browser.signIn(admin);
    const [row] = await latchkey.sql<{ id: string }>('SELECT max(id) AS id FROM sessions');
    expect(toId('session', row!.id)).toBe(id);
    const start = await markOf(row!.id); // signing in to a browser is an act of the browser
    await latchkey.sql('UPDATE sessions SET write_mark = write_mark - $2 WHERE id = $1', [row!.id, start]);
    return { sessionId: row!.id, send: (method: 'post', to: string) => browser.call(method, to) };
  }
  const { sessionId, token } = await latchkey.signIn(admin);
  const send = (method: 'post', to: string) => request(latchkey.url)[method](to);
  if (path.startsWith('/lendix')) {
    const headers = { sessionToken: token, userId: toLendixId(admin.id) };
    return { sessionId, send: (method: 'post', to: string) => send(method, to).set(headers) };
  }
  return {
    sessionId,
    send: (method: 'post', to: string) => send(method, to).set('Authorization', `Bearer ${token}`),
  };
}
