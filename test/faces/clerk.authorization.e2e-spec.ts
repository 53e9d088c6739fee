import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { toId } from '../../src/faces/clerk/ids.js';
import { Cast, describeAccess, type AccessRow, type Actor } from '../support/access-table.js';
import { ClerkBrowser, SETTINGS } from '../support/clerk-browser.js';
import { Latchkey, PASSWORD } from '../support/latchkey.js';

const SESSION = '/clerk/v1/client/sessions/:session_id';
const SIGN_IN = '/clerk/v1/client/sign_ins/:id';
/** Of whoever shows no credential, one of another kind, and one of a browser that does not hold what is named. */
const row = (route: string, none: number, token: number, browser: number): AccessRow => ({
  route,
  answers: [none, token, token, token, token, browser, browser, browser],
});

/**
 * Who gets what at a route that acts on the session, or the sign-in, of somebody else's browser. Every other kind of
 * credential is none here, and no right reaches into a browser.
 */
// prettier-ignore
const TABLE: readonly AccessRow[] = [
  row('GET /clerk/v1/environment',                200, 200, 200),
  row('PATCH /clerk/v1/environment',              200, 200, 200),
  row('GET /clerk/.well-known/jwks.json',         200, 200, 200),
  row('GET /clerk/v1/jwks',                       200, 200, 200),
  row('GET /clerk/v1/client',                     200, 200, 200),
  row('PUT /clerk/v1/client',                     200, 200, 200),
  row('POST /clerk/v1/client',                    200, 200, 200),
  row('DELETE /clerk/v1/client',                  404, 404, 200),
  row('DELETE /clerk/v1/client/sessions',         401, 404, 200),
  row(`GET ${SESSION}`,                           401, 401, 404),
  row(`POST ${SESSION}/touch`,                    401, 401, 404),
  row(`POST ${SESSION}/end`,                      401, 401, 404),
  row(`POST ${SESSION}/remove`,                   401, 401, 404),
  row(`POST ${SESSION}/tokens`,                   401, 401, 404),
  row(`POST ${SESSION}/tokens/:template_name`,    401, 401, 401),
  row(`POST ${SESSION}/verify`,                   401, 401, 401),
  row(`POST ${SESSION}/verify/prepare_first_factor`,  401, 401, 401),
  row(`POST ${SESSION}/verify/attempt_first_factor`,  401, 401, 401),
  row(`POST ${SESSION}/verify/prepare_second_factor`, 401, 401, 401),
  row(`POST ${SESSION}/verify/attempt_second_factor`, 401, 401, 401),
  row('POST /clerk/v1/client/sign_ins',           200, 200, 200),
  row(`GET ${SIGN_IN}`,                           401, 401, 404),
  row(`POST ${SIGN_IN}/prepare_first_factor`,     401, 401, 404),
  row(`POST ${SIGN_IN}/attempt_first_factor`,     401, 401, 404),
  row(`POST ${SIGN_IN}/prepare_second_factor`,    401, 401, 404),
  row(`POST ${SIGN_IN}/attempt_second_factor`,    401, 401, 404),
  row('GET /clerk/v1/me/sessions',                401, 401, 200),
  row('GET /clerk/v1/me/sessions/active',         401, 401, 200),
  row('POST /clerk/v1/me/sessions/:id/revoke',    401, 401, 404),
];

let latchkey: Latchkey;
let cast: Cast;
let pendingToken: string;
let victim: ClerkBrowser;
/** What the victim's browser holds: a session, and a sign-in of somebody else that is under way. */
let held: { sessionId: string; signInId: string };

beforeAll(async () => {
  latchkey = await Latchkey.start(SETTINGS);
  cast = await Cast.of(latchkey);
  victim = new ClerkBrowser(latchkey);
  const sessionId = await victim.signInCarefully(latchkey, cast.victim);
  const { body } = await victim.post('/client/sign_ins', { identifier: 'nobody@example.com' }).expect(200);
  held = { sessionId, signInId: body.response.id };
  pendingToken = (await latchkey.signIn(cast.victim)).token;
});
afterAll(() => latchkey.stop());

/** A browser of an actor: signed in, without a credential, or with one of another kind. */
async function browserOf(actor: Actor): Promise<ClerkBrowser> {
  const browser = new ClerkBrowser(latchkey);
  if (actor === 'other_user' || actor === 'lesser_admin' || actor === 'admin') {
    await browser.signIn(cast.people[actor]);
  } else {
    browser.cookie = actor === 'pending' ? pendingToken : await cast.tokenOf(actor);
  }
  return browser;
}

/** Sends the request of a row, with everything that any of them takes. */
async function call(route: string, browser: ClerkBrowser, ids = held): Promise<Response> {
  const [method, template] = route.split(' ') as [string, string];
  const id = template.includes('/me/') ? toId('session', cast.victim.sessionId) : ids.signInId;
  const path = template
    .replace(':session_id', ids.sessionId)
    .replace(':template_name', 'any')
    .replace(':id', id);
  const form = { level: 'first_factor', identifier: 'x@example.com', code: '123456' };
  const strategy = path.includes('second_factor')
    ? { strategy: 'totp' }
    : { strategy: 'password', password: PASSWORD };
  const begun = path.endsWith('/sign_ins') ? {} : strategy;
  const test = browser.call(method.toLowerCase() as 'get', path);
  return method === 'GET'
    ? test
    : test.type('form').send(new URLSearchParams({ ...form, ...begun }).toString());
}

describe('every route of Clerk and every kind of caller', () => {
  describeAccess(
    (path) => path.startsWith('/clerk/'),
    TABLE,
    () => ({ latchkey, cast }),
    async (route, actor) => {
      const answer = await call(route, await browserOf(actor));
      const { body } = await victim.get(`/client/sessions/${held.sessionId}`).expect(200);
      expect(body.response.status).toBe('active');
      expect(body.client.sign_in.status).toBe('needs_first_factor');
      return answer;
    },
  );

  it.each(TABLE.filter(({ route }) => route.includes('/:')))(
    'SECURITY 63: $route answers for what another browser holds as for what does not exist',
    async ({ route }) => {
      const stranger = await browserOf('admin');
      const foreign = await call(route, stranger);
      const unknown = await call(route, stranger, { sessionId: 'sess_zzzzzz', signInId: 'sia_zzzzzz' });
      expect({ ...unknown.body, clerk_trace_id: '' }).toEqual({ ...foreign.body, clerk_trace_id: '' });
      expect(unknown.status).toBe(foreign.status);
    },
  );
});
