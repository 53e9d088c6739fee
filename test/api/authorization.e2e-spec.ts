import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { OPERATOR } from '../../src/caller.js';
import { FACES } from '../../src/config.js';
import { UsersService } from '../../src/users/users.service.js';
import { document, Latchkey, PASSWORD } from '../support/latchkey.js';
import {
  Cast,
  describeAccess,
  mintJwt,
  mintMachine,
  type AccessRow,
  type Actor,
} from '../support/access-table.js';
import { newestEventId } from '../support/events.js';
import { addOrganization } from '../support/organizations.js';
import { startVerification } from '../support/step-up.js';
import type { Careful } from '../support/second-factor.js';

interface Row extends AccessRow {
  /** What would be acted upon, if the caller were let in. */
  readonly body?: (victim: Careful) => object;
}

let newcomers = 0;
const sessionNote = (victim: Careful) => document('sessions', { note: 'x' }, { id: victim.sessionId });
const userNames = (victim: Careful) => document('users', { first_name: 'x' }, { id: victim.id });
const bothFactors = () => document('otp_enrollments', { password: PASSWORD, otp: '000000' });
const aCode = () => document('otp_enrollments', { otp: '000000' });
const aPassword = () => document('otp_enrollments', { password: PASSWORD });
const aMachine = () => document('sessions', { name: 'ci' });
const aUser = () =>
  document('users', { email: `new${++newcomers}@example.com`, password: 'a long passphrase' });
const aProof = () => document('sessions', { otp: '000000', password: 'not the password' });
const aStart = () => document('verifications', { level: 'first_factor' });
const aRequest = () => document('verifications', { strategy: 'email_code' });
const anAttempt = () => document('verifications', { strategy: 'password', password: PASSWORD });
const aRenewal = () => document('sessions', { refresh_token: 'x' });
const aSignIn = () => document('sessions', { email: 'nobody@example.com', password: 'not the password' });

/**
 * Who gets what at a route that acts on things of somebody else. `lesser_admin` holds `user.read` and
 * `session.read`, so what it may see and not touch is 403 to it and 404 to a plain user.
 */
// prettier-ignore
const TABLE: readonly Row[] = [
  //                                                                                       none pend ro   mach jwt  other lesser admin
  { route: 'POST /api/v2/sessions',                          body: aSignIn,       answers: [401, 401, 401, 401, 401, 401, 401, 401] },
  { route: 'GET /api/v2/sessions',                                                answers: [401, 403, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /api/v2/sessions/current',                                        answers: [401, 403, 200, 200, 200, 200, 200, 200] },
  { route: 'POST /api/v2/sessions/revoke',                                        answers: [401, 403, 403, 200, 403, 200, 200, 200] },
  { route: 'POST /api/v2/sessions/refresh',                  body: aRenewal,      answers: [401, 403, 403, 401, 403, 401, 401, 401] },
  { route: 'POST /api/v2/sessions/machine',                  body: aMachine,      answers: [401, 403, 403, 403, 403, 201, 201, 201] },
  { route: 'POST /api/v2/sessions/jwt',                                           answers: [401, 403, 201, 201, 201, 201, 201, 201] },
  { route: 'PUT /api/v2/sessions/:id/validate_otp',          body: aProof,        answers: [401, 401, 401, 401, 401, 401, 401, 401] },
  { route: 'GET /api/v2/sessions/:id',                                            answers: [401, 403, 404, 404, 404, 404, 200, 200] },
  { route: 'PATCH /api/v2/sessions/:id',                     body: sessionNote,   answers: [401, 403, 403, 404, 403, 404, 403, 200] },
  { route: 'DELETE /api/v2/sessions/:id',                                         answers: [401, 403, 403, 404, 403, 404, 403, 204] },
  { route: 'POST /api/v2/sessions/:id/verifications',        body: aStart,        answers: [401, 403, 403, 403, 403, 404, 404, 404] },
  { route: 'GET /api/v2/verifications/:id',                                       answers: [401, 403, 404, 404, 404, 404, 404, 404] },
  { route: 'POST /api/v2/verifications/:id/codes',           body: aRequest,      answers: [401, 403, 403, 403, 403, 404, 404, 404] },
  { route: 'POST /api/v2/verifications/:id/attempts',        body: anAttempt,     answers: [401, 403, 403, 403, 403, 404, 404, 404] },
  { route: 'GET /api/v2/users',                                                   answers: [401, 403, 200, 200, 200, 200, 200, 200] },
  { route: 'POST /api/v2/users',                             body: aUser,         answers: [401, 403, 403, 403, 403, 403, 403, 201] },
  { route: 'GET /api/v2/users/me',                                                answers: [401, 403, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /api/v2/users/:id',                                               answers: [401, 403, 404, 404, 404, 404, 200, 200] },
  { route: 'PATCH /api/v2/users/:id',                        body: userNames,     answers: [401, 403, 403, 404, 403, 404, 403, 200] },
  { route: 'DELETE /api/v2/users/:id',                                            answers: [401, 403, 403, 404, 403, 404, 403, 204] },
  { route: 'GET /api/v2/organizations',                                           answers: [401, 403, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /api/v2/organizations/:id',                                       answers: [401, 403, 404, 404, 404, 404, 200, 200] },
  { route: 'GET /api/v2/events',                                                  answers: [401, 403, 403, 403, 403, 403, 403, 200] },
  { route: 'GET /api/v2/events/:id',                                              answers: [401, 403, 404, 404, 404, 404, 404, 200] },
  { route: 'POST /api/v2/users/:id/otp_enrollments',         body: aPassword,     answers: [401, 403, 403, 404, 403, 404, 404, 404] },
  { route: 'GET /api/v2/otp_enrollments/:id',                                     answers: [401, 403, 404, 404, 404, 404, 404, 404] },
  { route: 'PUT /api/v2/otp_enrollments/:id/confirm',        body: aCode,         answers: [401, 403, 403, 404, 403, 404, 404, 404] },
  { route: 'POST /api/v2/otp_enrollments/:id/recovery_codes', body: bothFactors,  answers: [401, 403, 403, 404, 403, 404, 404, 404] },
  { route: 'DELETE /api/v2/otp_enrollments/:id',             body: bothFactors,   answers: [401, 403, 403, 404, 403, 404, 404, 404] },
  { route: 'GET /docs',                                                           answers: [200, 200, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /docs/:file',                                                     answers: [404, 404, 404, 404, 404, 404, 404, 404] },
  { route: 'GET /openapi.json',                                                   answers: [200, 200, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /.well-known/jwks.json',                                          answers: [200, 200, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /health/live',                                                    answers: [200, 200, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /health/ready',                                                   answers: [200, 200, 200, 200, 200, 200, 200, 200] },
  { route: 'GET /metrics',                                                        answers: [200, 200, 200, 200, 200, 200, 200, 200] },
];

let latchkey: Latchkey;
let cast: Cast;
let organizationId: string;
let verificationId: string;
let eventId: string;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  cast = await Cast.of(latchkey);
  organizationId = (await addOrganization(latchkey, [cast.victim])).id;
  const { body } = await startVerification(latchkey, cast.victim, { level: 'first_factor' }).expect(201);
  verificationId = body.data.id;
  eventId = await newestEventId(latchkey);
});
afterAll(() => latchkey.stop());

/** Whose things are acted upon. */
const victim = () => ({ ...cast.victim, organizationId, verificationId, eventId });

describe('every route and every kind of caller', () => {
  const bodyOf = (route: string) => TABLE.find((row) => row.route === route)?.body;
  describeAccess(
    (path) => !FACES.some((face) => path.startsWith(`/${face}/`)), // each of them has a table of its own
    TABLE,
    () => ({ latchkey, cast }),
    async (route, actor) => call(route, await tokenFor(actor, route), victim(), bodyOf(route)),
  );

  it.each(TABLE.filter(({ route }) => route.includes(':id') && !route.includes('validate_otp')))(
    'SECURITY 60, 61, 62: $route answers for what is somebody else’s as for what does not exist',
    async ({ route, body }) => {
      const unknownId = '987654321';
      const ids = { id: unknownId, sessionId: unknownId, enrollmentId: unknownId };
      const nothing = {
        ...victim(),
        ...ids,
        organizationId: unknownId,
        verificationId: unknownId,
        eventId: unknownId,
      };
      const foreign = await call(route, await cast.tokenOf('other_user'), victim(), body);
      const unknown = await call(route, await cast.tokenOf('other_user'), nothing, body);
      expect([foreign.status, foreign.text]).toEqual([unknown.status, unknown.text]);
      expect(foreign.status).toBe(404);
    },
  );
});

describe('401', () => {
  it.each(TABLE.filter(({ route, answers }) => answers[0] === 401 && route !== 'POST /api/v2/sessions'))(
    'SECURITY 67: $route asks for a credential that is live: a made-up one and an ended one are none',
    async ({ route, body }) => {
      const ended = await latchkey.asUser();
      await latchkey.delete(`/api/v2/sessions/${ended.sessionId}`, ended.token).expect(204);
      for (const token of ['0123456789abcdef', '01234567-89ab-cdef-0123-456789abcdef', ended.token]) {
        const response = await call(route, token, victim(), body);
        expect([response.status, response.body.errors[0].code]).toEqual([401, 'invalid_auth_token']);
      }
    },
  );

  it.each([
    '/api/v2/sessions/',
    '/api/v2//sessions',
    '//api/v2/sessions',
    '/api//v2/sessions',
    '/api/v2/sessions//',
    '/api/v2/./sessions',
    '/api/v2/x/../sessions',
    '/./api/v2/sessions',
    '/api/v2/%73essions',
    '/api/v2/session%73',
    '/%61pi/v2/sessions',
    '/api%2fv2%2fsessions',
    '/api/v2%2fsessions',
    '/api/v2/sessions%2f',
    '/api/v2/sessions%20',
    '/api/v2/sessions%00',
    '/api/v2/sessions%0a',
    '/api/v2/sessions;a',
    '/api/v2/sessions;a=b/',
    '/api/v2/sessions.json',
    '/api/v2/sessions/current.json',
    '/api/v2/Sessions',
    '/API/V2/SESSIONS',
    '/Api/v2/users/me',
    '/api/v2\\sessions',
    '\\api\\v2\\sessions',
    '/api/v2/sessions\\current',
    '/api/v2/sessions/..;/sessions',
    '/api/v2/sessions/%2e%2e/sessions',
    '/api/v2/sessions/current/',
    '/api/v2/users/me/',
    '/api/v2/users/%6d%65',
    '/api/v2/sessions/current%3f',
    '/api/v2/sessions?',
    '/api/v2/sessions#x',
    'http://127.0.0.1/api/v2/sessions',
  ])('SECURITY 68: no spelling of a path opens it without a credential: %s', async (path) => {
    for (const method of ['GET', 'DELETE']) {
      const [, status = '400'] = (await raw(method, path)).split(' ');
      expect(Number(status)).toBeGreaterThanOrEqual(400);
    }
  });

  it.each(['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'])(
    'SECURITY 69: %s overrides nothing',
    async (header) => {
      const own = await latchkey.asUser();
      const response = await latchkey
        .get(`/api/v2/sessions/${own.sessionId}`, own.token)
        .set(header, 'DELETE');
      expect(response.status).toBe(200);
      await latchkey.post(`/api/v2/sessions/${own.sessionId}?_method=DELETE`, own.token).expect(405);
      await latchkey.get('/api/v2/sessions/current', own.token).expect(200);
    },
  );

  it.each(['TRACE', 'PROPFIND', 'TRACK', 'CONNECT', 'LOCK'])(
    'SECURITY 69: %s is refused and echoes no token',
    async (method) => {
      const own = await latchkey.asUser();
      const answer = await raw(method, '/api/v2/sessions', `X-Auth-Token: ${own.token}\r\n`);
      const status = Number(answer.split(' ')[1] ?? 400);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(answer).not.toContain(own.token);
    },
  );
});

describe('403', () => {
  it('SECURITY 72: a right that is withdrawn is gone from the next request on, whatever the credential', async () => {
    const admin = await latchkey.asUser({ rights: ['session.read', 'user.read', 'user.write'] });
    const credentials = [
      admin.token,
      await mintMachine(latchkey, admin.token, false),
      await mintJwt(latchkey, admin.token),
    ];
    const seen = async (path: string) => {
      const answers = await Promise.all(credentials.map((token) => latchkey.get(path, token)));
      return answers.map(({ status }) => status);
    };
    expect(await seen(`/api/v2/users/${cast.victim.id}`)).toEqual([200, 200, 200]);
    expect(await seen(`/api/v2/sessions/${cast.victim.sessionId}`)).toEqual([200, 200, 200]);

    await latchkey.app.get(UsersService, { strict: false }).setRights(OPERATOR, admin.id, []);

    expect(await seen(`/api/v2/users/${cast.victim.id}`)).toEqual([404, 404, 404]);
    expect(await seen(`/api/v2/sessions/${cast.victim.sessionId}`)).toEqual([404, 404, 404]);
    await latchkey.post('/api/v2/users', admin.token, aUser()).expect(403);
    const me = await latchkey.get('/api/v2/users/me', admin.token).expect(200);
    expect(me.body.data.attributes.rights).toEqual([]);
  });

  it('SECURITY 72: a right that is given holds from the next request on', async () => {
    const person = await latchkey.asUser();
    await latchkey.get(`/api/v2/users/${cast.victim.id}`, person.token).expect(404);
    await latchkey.app.get(UsersService, { strict: false }).setRights(OPERATOR, person.id, ['user.read']);
    await latchkey.get(`/api/v2/users/${cast.victim.id}`, person.token).expect(200);
  });

  it('SECURITY 85: a machine token shrinks with its owner', async () => {
    const admin = await latchkey.asAdmin();
    const machine = await mintMachine(latchkey, admin.token, false);
    await latchkey.app.get(UsersService, { strict: false }).setRights(OPERATOR, admin.id, ['session.read']);
    await latchkey.get(`/api/v2/sessions/${cast.victim.sessionId}`, machine).expect(200);
    await latchkey.delete(`/api/v2/sessions/${cast.victim.sessionId}`, machine).expect(403);
    await latchkey.get('/api/v2/sessions/current', cast.victim.token).expect(200);
  });
});

function call(
  route: string,
  token: string | null,
  whose: Careful & { organizationId: string; verificationId: string; eventId: string },
  body?: (victim: Careful) => object,
): ReturnType<Latchkey['get']> {
  const [method, path] = route.split(' ') as [string, string];
  const id = path.includes('otp_enrollments/:id')
    ? whose.enrollmentId
    : path.includes('/organizations/')
      ? whose.organizationId
      : path.includes('/verifications/:id')
        ? whose.verificationId
        : path.includes('/events/')
          ? whose.eventId
          : path.includes('/users/')
            ? whose.id
            : whose.sessionId;
  const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
  return latchkey[verb](path.replace(/:id|:file/, id), token, body?.(whose));
}

/** Whoever revokes their other sessions ends those of the cast. */
async function tokenFor(actor: Actor, route: string): Promise<string | null> {
  if (!route.endsWith('/revoke')) return cast.tokenOf(actor);
  if (actor === 'machine') return mintMachine(latchkey, (await latchkey.asUser()).token, false);
  return actor === 'other_user' ? (await latchkey.asUser()).token : cast.tokenOf(actor);
}

function raw(method: string, path: string, headers = ''): Promise<string> {
  const { hostname, port } = new URL(latchkey.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${hostname}\r\n${headers}Connection: close\r\n\r\n`),
    );
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}
