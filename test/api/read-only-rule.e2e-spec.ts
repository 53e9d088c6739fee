import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { document, Latchkey, PASSWORD } from '../support/latchkey.js';
import { newestEventId } from '../support/events.js';
import { addOrganization } from '../support/organizations.js';
import { READ_ONLY_SESSION, UNAUTHENTICATED } from '../support/refusals.js';
import { routesOf, type Route } from '../support/routes.js';
import { startVerification } from '../support/step-up.js';
import { asCareful, validateOtp, type Careful } from '../support/second-factor.js';

const SAFE = new Set(['GET', 'HEAD']);
/** Routes that look at no credential, or for which the body is the proof: all others are closed for writing. */
const PROVED_BY_THE_BODY = ['POST /api/v2/sessions', 'PUT /api/v2/sessions/:id/validate_otp'];
const MAY_WRITE = 'POST /api/v2/sessions/jwt';

let latchkey: Latchkey;
let user: Careful;
let readOnly: { id: string; token: string };
let verificationId: string;
let organizationId: string;
let eventId: string;
let credentials: Record<string, string>;

beforeAll(async () => {
  latchkey = await Latchkey.start({ DOCS: 'false', FACES: 'none' });
});
afterAll(() => latchkey.stop());

beforeEach(async () => {
  user = await asCareful(latchkey);
  await latchkey.sql(`UPDATE users SET rights = '{*}' WHERE id = $1`, [user.id]);
  const draft = document('sessions', { name: 'reader', read_only: true });
  const { body } = await latchkey.post('/api/v2/sessions/machine', user.token, draft).expect(201);
  readOnly = { id: body.data.id, token: body.data.attributes.token };
  const started = await startVerification(latchkey, user, { level: 'first_factor' }).expect(201);
  verificationId = started.body.data.id;
  organizationId = (await addOrganization(latchkey, [user])).id;
  eventId = await newestEventId(latchkey);
  credentials = {
    'read-only token': readOnly.token,
    'JWT of a full session': await jwtOf(user.token),
    'JWT of a read-only token': await jwtOf(readOnly.token),
    'JWT of a JWT': await jwtOf(await jwtOf(user.token)),
  };
});

async function jwtOf(token: string): Promise<string> {
  return (await latchkey.post('/api/v2/sessions/jwt?expires_in=600', token).expect(201)).body.jwt;
}

/** Calls a route with ids of the user's own, so that nothing but the rule stands in the way. */
function call({ method, path }: Route, headers: Record<string, string>): Promise<Response> {
  const ids: Record<string, string> = {
    sessions: readOnly.id,
    users: user.id,
    otp_enrollments: user.enrollmentId,
    verifications: verificationId,
    organizations: organizationId,
    events: eventId,
  };
  const url = path.replace(/(\w+)\/:id/, (_, type: string) => `${type}/${ids[type]}`);
  expect(url).not.toContain(':');
  return fetch(latchkey.url + url, { method, headers });
}

/** Everything that a write could change. */
async function stored(): Promise<unknown[]> {
  return latchkey.sql(
    `SELECT (SELECT json_agg(u ORDER BY id) FROM users u) AS users,
       (SELECT json_agg(to_jsonb(s) - 'last_activity_at' - 'expires_at' ORDER BY id) FROM sessions s) AS sessions,
       (SELECT json_agg(e ORDER BY id) FROM otp_enrollments e) AS enrollments,
       (SELECT json_agg(c ORDER BY id) FROM recovery_codes c) AS codes,
       (SELECT json_agg(v ORDER BY id) FROM verifications v) AS verifications`,
  );
}

const NAMES = ['read-only token', 'JWT of a full session', 'JWT of a read-only token', 'JWT of a JWT'];

describe.each(NAMES)('SECURITY 79, 80, 91: with a %s', (name) => {
  it('every route of the application that writes is refused, but for minting a JWT, and nothing changes', async () => {
    const writing = routesOf(latchkey.app).filter(
      ({ method, path }) => !SAFE.has(method) && !PROVED_BY_THE_BODY.includes(`${method} ${path}`),
    );
    expect(writing.length).toBeGreaterThanOrEqual(12);
    const before = await stored();
    const token = credentials[name]!;
    for (const route of writing) {
      const inEachHeader: Record<string, string>[] = [
        { 'X-Auth-Token': token },
        { Authorization: `Bearer ${token}`, 'X-Read-Only': 'false' },
      ];
      for (const headers of inEachHeader) {
        const response = await call(route, headers);
        const answer = { route: `${route.method} ${route.path}`, status: response.status };
        if (answer.route === MAY_WRITE) {
          expect(answer).toEqual({ ...answer, status: 201 });
        } else {
          expect({ ...answer, body: await response.json() }).toEqual({
            ...answer,
            status: 403,
            body: READ_ONLY_SESSION,
          });
        }
      }
    }
    expect(await stored()).toEqual(before);
  });

  it('every route that reads is open as ever', async () => {
    const reading = routesOf(latchkey.app).filter(({ method }) => SAFE.has(method));
    expect(reading.length).toBeGreaterThanOrEqual(8);
    for (const route of reading) {
      const { status } = await call(route, { 'X-Auth-Token': credentials[name]! });
      expect({ ...route, status }).toEqual({ ...route, status: 200 });
    }
  });

  it.each([
    '/api/v2/sessions/machine/',
    '/api/v2//sessions/machine',
    '/api/v2/sessions/%6dachine',
    '/API/v2/sessions/machine',
  ])('another spelling of a path, %s, changes nothing either', async (path) => {
    const before = await stored();
    const response = await latchkey.post(path, credentials[name]!, document('sessions', { name: 'x' }));
    expect([403, 404, 405]).toContain(response.status);
    expect(await stored()).toEqual(before);
  });

  it('no session is shown with a token that could write', async () => {
    for (const path of [
      '/api/v2/sessions?page[size]=200',
      '/api/v2/sessions/current',
      `/api/v2/sessions/${user.sessionId}`,
    ]) {
      const { text } = await latchkey.get(path, credentials[name]!).expect(200);
      const shown = text.match(/"token":"([^"]+)"/g) ?? [];
      expect(shown.filter((member) => member !== `"token":"${credentials[name]}"`)).toEqual([]);
    }
  });
});

describe('SECURITY 94: one kind of secret in the place of another', () => {
  it('opens nothing', async () => {
    const jwt = credentials['JWT of a full session']!;
    const pending = await latchkey.signIn(user);
    const [header, payload] = jwt.split('.');
    const secrets = [
      user.secret,
      user.recoveryCodes[0]!,
      latchkey.codeNow(user.secret),
      user.sessionId,
      PASSWORD,
    ];
    for (const secret of [
      ...secrets,
      `${header}.${payload}.${user.token}`,
      `${user.token}.${user.token}.${user.token}`,
    ]) {
      await latchkey.get('/api/v2/sessions', secret).expect(401, UNAUTHENTICATED);
    }
    for (const otp of [jwt, user.token, user.secret, readOnly.token, pending.token, PASSWORD]) {
      await validateOtp(latchkey, (await latchkey.signIn(user)).sessionId, { otp }).expect(422);
    }
    for (const password of [user.token, user.secret, user.recoveryCodes[0]]) {
      const proof = { otp: latchkey.codeNow(user.secret), password };
      await validateOtp(latchkey, pending.sessionId, proof).expect(401, UNAUTHENTICATED);
    }
  });
});
