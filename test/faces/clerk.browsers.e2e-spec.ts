import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { ClerkBrowser, errorOf, ORIGIN, SETTINGS, setCookies } from '../support/clerk-browser.js';
import { Latchkey, PASSWORD, type Person } from '../support/latchkey.js';

let latchkey: Latchkey;
let browser: ClerkBrowser;
let person: Person;
let sessionId: string;

beforeAll(async () => {
  latchkey = await Latchkey.start({ ...SETTINGS, TRUST_PROXY: 'loopback' });
});
afterAll(() => latchkey.stop());

beforeEach(async () => {
  browser = new ClerkBrowser(latchkey);
  person = await latchkey.addUser();
  sessionId = await browser.signIn(person);
});

const client = () => request(latchkey.url);
const FORM = 'application/x-www-form-urlencoded';
const credentials = () => new URLSearchParams({ identifier: person.email, password: PASSWORD }).toString();
/** Everything that a request may change. */
async function state(): Promise<unknown> {
  return latchkey.sql(`SELECT s.id, s.status, s.version, b.id AS browser, b.token_hash, b.last_active_session_id
    FROM sessions s FULL JOIN browsers b ON b.id = s.browser_id ORDER BY 1, 4`);
}

describe('clients', () => {
  it('are nobody before anything is asked of them', async () => {
    const stranger = new ClerkBrowser(latchkey);
    const { body, headers } = await stranger.get('/client').expect(200);
    expect(body).toEqual({ response: null, client: null });
    expect(headers['set-cookie']).toBeUndefined();
  });

  it.each([
    ['PUT', (stranger: ClerkBrowser) => stranger.call('put', '/client')],
    ['POST', (stranger: ClerkBrowser) => stranger.post('/client')],
    [
      'POST _method=PUT',
      (stranger: ClerkBrowser) => stranger.post('/client?_method=PUT&_clerk_js_version=5'),
    ],
  ])('are made by %s, once', async (_, create) => {
    const stranger = new ClerkBrowser(latchkey);
    const { body } = await create(stranger).expect(200);
    expect(body.response).toMatchObject({ object: 'client', sessions: [], sign_in: null });
    const { cookie } = stranger;
    const again = await create(stranger).expect(200);
    expect(again.body.response.id).toBe(body.response.id);
    expect(stranger.cookie).toBe(cookie);
  });

  it('that nobody signs in to are gone after a day', async () => {
    const stranger = new ClerkBrowser(latchkey);
    await stranger.post('/client').expect(200);
    latchkey.clock.move(86_400_001);
    expect((await stranger.get('/client').expect(200)).body.response).toBeNull();
    const before = await latchkey.sql('SELECT id FROM browsers WHERE token_hash IS NOT NULL');
    await new ClerkBrowser(latchkey).post('/client').expect(200);
    expect((await latchkey.sql('SELECT id FROM browsers')).length).toBeLessThanOrEqual(before.length);
  });

  it('are made a thousand times at most for one address in a quarter of an hour: each leaves a row', async () => {
    await latchkey.sql('DELETE FROM attempts');
    await new ClerkBrowser(latchkey).post('/client').expect(200);
    await latchkey.sql('UPDATE attempts SET points = 1000');
    const rows = () => latchkey.sql('SELECT count(*) FROM browsers');
    const before = await rows();
    const answer = await new ClerkBrowser(latchkey).post('/client').expect(429);
    expect(errorOf(answer)).toEqual(['too_many_requests']);
    await new ClerkBrowser(latchkey).post('/client/sign_ins', { identifier: person.email }).expect(429);
    expect(await rows()).toEqual(before);
    await browser.post('/client/sign_ins', { identifier: person.email }).expect(200);
    await latchkey.sql('DELETE FROM attempts');
  });

  it('are counted for all of an IPv6 /64 at once, and for the next one by itself', async () => {
    const open = (address: string) =>
      new ClerkBrowser(latchkey).post('/client').set('X-Forwarded-For', address);
    await open('2001:db8:0:1::1').expect(200);
    await latchkey.sql('UPDATE attempts SET points = 1000');
    await open('2001:db8:0:1:ffff:ffff:ffff:ffff').expect(429);
    await open('2001:db8:0:2::1').expect(200);
    await latchkey.sql('DELETE FROM attempts');
  });

  it('are forgotten with all their sessions, and the cookie with them', async () => {
    const { cookie } = browser;
    const answer = await browser.delete('/client').expect(200);
    expect(answer.body).toEqual({ response: null, client: null });
    expect(setCookies(answer)[0]).toMatch(/^__client=;/);
    browser.cookie = cookie;
    expect(await browser.statusOf(sessionId)).toBe(401);
    await browser.delete('/client').expect(404);
  });

  it('SECURITY 133: hold several people, and each request answers for the session that it names', async () => {
    const other = await latchkey.addUser();
    const second = await browser.signIn(other);
    await browser.post(`/client/sessions/${second}/touch`).expect(200);
    expect(await browser.claims(sessionId)).toMatchObject({ sid: sessionId });
    await browser.post(`/client/sessions/${sessionId}/touch`).expect(200);
    expect(await browser.claims(second)).toMatchObject({ sid: second });
    await browser.post(`/client/sessions/${sessionId}/end`).expect(200);
    expect(await browser.statusOf(second)).toBe(200);
    expect((await browser.get('/client')).body.client.last_active_session_id).toBeNull();
  });
});

describe('the cookie', () => {
  it('SECURITY 131: is opaque, short, HttpOnly, SameSite, for the whole host, and opens nothing else', async () => {
    const answer = await client()
      .post('/clerk/v1/client/sign_ins')
      .set('Origin', ORIGIN)
      .type('form')
      .send(credentials());
    const [cookie, ...others] = setCookies(answer);
    expect(others).toEqual([]);
    expect(cookie).toMatch(/^__client=[A-Za-z0-9_-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/);
    expect(answer.headers['cache-control']).toBe('no-store');
    const value = /=([^;]+)/.exec(cookie!)![1]!;
    expect(JSON.stringify(answer.body)).not.toContain(value);
    await latchkey.get('/api/v2/sessions/current', value).expect(401);
    await client().get('/api/v2/sessions/current').set('Cookie', `__client=${value}`).expect(401);
    const [row] = await latchkey.sql<{ known: boolean }>(
      `SELECT bool_or(token_hash = sha256($1::bytea)) AS known FROM browsers`,
      [Buffer.from(value)],
    );
    expect(row!.known).toBe(true);
  });

  it.each([
    ['https://clerk.example.com', true],
    ['http://latchkey.example.com:3000', true],
    ['http://localhost:3000', false],
    ['http://127.0.0.1:3000', false],
    ['http://localhost.evil.example', true],
  ])('SECURITY 131: at %s it is Secure: %s', async (PUBLIC_URL, secure) => {
    const there = await Latchkey.start({ ...SETTINGS, PUBLIC_URL }, latchkey);
    try {
      const answer = await new ClerkBrowser(there).post('/client').expect(200);
      expect(setCookies(answer)[0]!.includes('; Secure')).toBe(secure);
    } finally {
      await there.stop();
    }
  });

  it('SECURITY 133: is another one after each sign-in, and the old one is dead at once', async () => {
    const { cookie } = browser;
    const second = await browser.signIn(await latchkey.addUser());
    expect(browser.cookie).not.toBe(cookie);
    const old = new ClerkBrowser(latchkey);
    old.cookie = cookie;
    expect((await old.get('/client').expect(200)).body.response).toBeNull();
    for (const id of [sessionId, second]) expect(await old.statusOf(id)).toBe(401);
    for (const id of [sessionId, second]) expect(await browser.statusOf(id)).toBe(200);
  });

  it('SECURITY 133: resurrects nothing when it is replayed after all sessions ended', async () => {
    await browser.delete('/client/sessions').expect(200);
    for (const path of ['tokens', 'verify', 'touch', 'end', 'remove']) {
      const answer = await browser.post(`/client/sessions/${sessionId}/${path}`, { level: 'first_factor' });
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    expect(await browser.statusOf(sessionId)).toBe(401);
  });

  it('SECURITY 55: whoever planted a cookie before a sign-in gains nothing by it', async () => {
    const attacker = new ClerkBrowser(latchkey);
    await attacker.post('/client').expect(200);
    const victim = new ClerkBrowser(latchkey);
    victim.cookie = attacker.cookie;
    const signedIn = await victim.signIn(await latchkey.addUser());
    expect((await attacker.get('/client').expect(200)).body.response).toBeNull();
    expect(await attacker.statusOf(signedIn)).toBe(401);
  });

  it('is none when two of them differ: a sibling domain may have set one', async () => {
    const other = new ClerkBrowser(latchkey);
    await other.post('/client').expect(200);
    const path = `/clerk/v1/client/sessions/${sessionId}`;
    const both = `__client=${other.cookie}; __client=${browser.cookie}`;
    await client().get(path).set('Cookie', both).expect(401);
    await client().get(path).set('Cookie', `a=b; __client=${browser.cookie};__client_uat=1`).expect(200);
  });
});

describe('CSRF', () => {
  const ORIGINS: [string, Record<string, string>][] = [
    ['another origin', { Origin: 'https://evil.example' }],
    ['an origin that begins like an allowed one', { Origin: `${ORIGIN}.evil.example` }],
    ['a sibling', { Origin: 'https://evil.app.example.com', 'Sec-Fetch-Site': 'same-site' }],
    ['the allowed host without TLS', { Origin: 'http://app.example.com' }],
    ['null', { Origin: 'null' }],
    ['an empty one', { Origin: '' }],
    ['none', {}],
    ['none, from a page elsewhere', { 'Sec-Fetch-Site': 'cross-site' }],
    ['none, from a page elsewhere that calls itself native', { 'Sec-Fetch-Site': 'cross-site', native: '1' }],
    ['another one that calls itself native', { Origin: 'https://evil.example', native: '1' }],
  ];
  const WRITES = ['touch', 'end', 'remove', 'tokens', 'verify'];

  it.each(ORIGINS)(
    'SECURITY 129: no state changes under the cookie from %s',
    async (_, { native, ...headers }) => {
      const before = await state();
      const query = native === undefined ? '' : '?_is_native=1';
      const paths = WRITES.map((verb) => `/client/sessions/${sessionId}/${verb}${query}`);
      for (const path of [...paths, `/client/sessions?_method=DELETE${query.replace('?', '&')}`]) {
        for (const type of [FORM, 'text/plain', 'application/json']) {
          const call = client()
            .post(`/clerk/v1${path}`)
            .set(headers)
            .set('Cookie', `__client=${browser.cookie}`);
          const answer = await call.set('Content-Type', type).send('level=first_factor');
          expect([path, answer.status, errorOf(answer)]).toEqual([path, 403, ['origin_invalid']]);
        }
      }
      await client()
        .delete('/clerk/v1/client')
        .set(headers)
        .set('Cookie', `__client=${browser.cookie}`)
        .expect(403);
      expect(await state()).toEqual(before);
    },
  );

  it.each(ORIGINS)('SECURITY 130: nobody is signed in by a page of %s', async (_, { native, ...headers }) => {
    const before = await state();
    const query = native === undefined ? '' : '?_is_native=1';
    const call = client().post(`/clerk/v1/client/sign_ins${query}`).set(headers).type('form');
    const answer = await call.send(credentials()).expect(403);
    expect(setCookies(answer)).toEqual([]);
    expect(await state()).toEqual(before);
  });

  it('SECURITY 129: nothing safe stands for what is not, and nothing is overridden elsewhere', async () => {
    const cookie = `__client=${browser.cookie}`;
    const url = `/clerk/v1/client/sessions/${sessionId}`;
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'delete', 'CONNECT', '']) {
      const answer = await browser.post(`/client/sessions?_method=${method}`).expect(400);
      expect(errorOf(answer)).toEqual(['invalid_query_parameter_value']);
    }
    await browser.post('/client/sessions?_method=DELETE&_method=GET').expect(400);
    await client().get('/clerk/v1/client/sessions?_method=DELETE').set('Cookie', cookie).expect(405);
    await client()
      .post(url)
      .set('X-HTTP-Method-Override', 'DELETE')
      .set('Origin', ORIGIN)
      .set('Cookie', cookie)
      .expect(405);
    const { token, sessionId: native } = await latchkey.signIn(person);
    await latchkey.post(`/api/v2/sessions/${native}?_method=DELETE`, token).expect(405);
    await latchkey.get('/api/v2/sessions/current', token).expect(200);
    expect(await browser.statusOf(sessionId)).toBe(200);
  });

  it('SECURITY 127: only pages of allowed origins may read, with the cookie', async () => {
    const listed = await browser.get('/client');
    expect(listed.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-credentials': 'true',
    });
    expect(listed.headers.vary).toContain('Origin');
    for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`]) {
      for (const method of ['get', 'options'] as const) {
        const { headers } = await client()[method]('/clerk/v1/client').set('Origin', origin);
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
    const { headers } = await client().get('/api/v2/sessions').set('Origin', ORIGIN);
    expect(headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  });
});

describe('native apps', () => {
  const NATIVE = '/clerk/v1/client/sign_ins?_is_native=1';
  const signInNatively = async (): Promise<{ token: string; id: string }> => {
    const answer = await client()
      .post(NATIVE)
      .set('Authorization', '')
      .type('form')
      .send(credentials())
      .expect(200);
    expect(setCookies(answer)).toEqual([]);
    return { token: answer.headers.authorization!, id: answer.body.response.created_session_id };
  };

  it('get their credential in the Authorization header, and send it there', async () => {
    const { token, id } = await signInNatively();
    for (const value of [`Bearer ${token}`, token]) {
      const tokens = client().post(`/clerk/v1/client/sessions/${id}/tokens?_is_native=true`);
      expect((await tokens.set('Authorization', value).expect(200)).body.jwt).toMatch(/^ey/);
    }
    await client().get('/clerk/v1/client/sessions?_is_native=1').set('Authorization', token).expect(405);
  });

  it('send it beside no Origin', async () => {
    const { token, id } = await signInNatively();
    for (const origin of [ORIGIN, 'https://evil.example', 'capacitor://localhost']) {
      const call = client().post(`/clerk/v1/client/sessions/${id}/end?_is_native=1`).set('Origin', origin);
      const answer = await call.set('Authorization', `Bearer ${token}`).expect(400);
      expect(errorOf(answer)).toEqual(['origin_authorization_headers_conflict']);
    }
  });

  it('say what they are: a credential in that header is none otherwise', async () => {
    const { token, id } = await signInNatively();
    const get = (query: string, value: string) =>
      client().get(`/clerk/v1/client/sessions/${id}${query}`).set('Authorization', value);
    await get('', `Bearer ${token}`).expect(401);
    await get('?_is_native=0', `Bearer ${token}`).expect(401);
    await get('?_is_native=1', `Basic ${token}`).expect(401);
    const session = await latchkey.signIn(person);
    await get('?_is_native=1', `Bearer ${session.token}`).expect(401);
  });

  it('are not read by their cookies', async () => {
    const url = `/clerk/v1/client/sessions/${sessionId}/end?_is_native=1`;
    await client().post(url).set('Cookie', `__client=${browser.cookie}`).expect(401);
  });

  it('SECURITY 49: read no credential from the query', async () => {
    const query = `__dev_session=${browser.cookie}&__clerk_db_jwt=${browser.cookie}&__client=${browser.cookie}`;
    await client().get(`/clerk/v1/client/sessions/${sessionId}?${query}`).expect(401);
  });
});

describe('what goes wrong on the way', () => {
  const BODIES: [string, string, string | Buffer, number, string][] = [
    ['JSON', 'application/json', '{"identifier":"x"}', 415, 'unsupported_content_type'],
    ['a form of parts', 'multipart/form-data; boundary=x', '--x--', 415, 'unsupported_content_type'],
    ['plain text', 'text/plain', 'identifier=x', 415, 'unsupported_content_type'],
    ['another character set', `${FORM}; charset=utf-16`, 'identifier=x', 415, 'unsupported_content_type'],
    ['broken percent-encoding', FORM, 'identifier=%zz', 400, 'malformed_request_parameters'],
    ['half a percent-encoding', FORM, 'identifier=%e2%82', 400, 'malformed_request_parameters'],
    ['a half surrogate pair', FORM, 'identifier=%ed%a0%80', 400, 'malformed_request_parameters'],
    ['what is no UTF-8', FORM, Buffer.from([0x69, 0x3d, 0xff]), 400, 'malformed_request_parameters'],
    ['a NUL', FORM, 'identifier=a%00', 400, 'malformed_request_parameters'],
    ['a field twice', FORM, 'identifier=a&identifier=b', 400, 'malformed_request_parameters'],
    [
      'too many fields',
      FORM,
      Array.from({ length: 101 }, (_, n) => `f${n}=`).join('&'),
      400,
      'malformed_request_parameters',
    ],
    ['too much', FORM, `identifier=${'x'.repeat(65_536)}`, 413, 'request_body_too_large'],
  ];
  it.each(BODIES)('is refused in this API’s words: %s', async (_, type, body, status, code) => {
    const url = `${latchkey.url}/clerk/v1/client/sign_ins`; // supertest would write the bytes anew
    const answer = await fetch(url, {
      method: 'POST',
      headers: { Origin: ORIGIN, 'Content-Type': type },
      body: Buffer.from(body),
    });
    const errors = (await answer.json()) as { clerk_trace_id: string };
    expect([answer.status, errorOf({ body: errors })]).toEqual([status, [code]]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(errors.clerk_trace_id).toBe(answer.headers.get('x-request-id'));
  });

  it.each([
    ['an unknown route', 'GET', '/clerk/v1/unknown', 404, 'resource_not_found'],
    ['an unknown route beside v1', 'GET', '/clerk', 404, 'resource_not_found'],
    ['another method', 'PUT', '/clerk/v1/me/sessions', 405, 'method_not_allowed'],
    [
      'broken percent-encoding of the path',
      'GET',
      '/clerk/v1/client/sessions/%zz',
      400,
      'malformed_request_parameters',
    ],
  ])('is refused in this API’s words: %s', async (_, method, path, status, code) => {
    const call = client()[method.toLowerCase() as 'get'](path).set('Origin', ORIGIN);
    const answer = await call;
    expect([answer.status, errorOf(answer)]).toEqual([status, [code]]);
  });

  it('tolerates query parameters and fields that it does not know, whatever they are called', async () => {
    const query = 'a=1&a=2&__proto__=x&_clerk_js_version=5.0&__clerk_api_version=2026-05-12&constructor=';
    const form = { __proto__x: '1', locale: 'en-GB', constructor: 'x' };
    await browser.post(`/client/sessions/${sessionId}/tokens?${query}`, form).expect(200);
    const proto = client().post(`/clerk/v1/client/sessions/${sessionId}/tokens`).set('Origin', ORIGIN);
    await proto
      .set('Cookie', `__client=${browser.cookie}`)
      .type('form')
      .send('__proto__=x&toString=y')
      .expect(200);
  });
});

describe('before anybody is signed in', () => {
  it('the environment and the keys are there for everybody', async () => {
    const { body } = await client().get('/clerk/v1/environment').expect(200);
    expect(body.auth_config.single_session_mode).toBe(false);
    expect((await browser.post('/environment?_method=PATCH').expect(200)).body).toEqual(body);
    const keys = await client().get('/clerk/.well-known/jwks.json').expect(200);
    expect(keys.body.keys).toMatchObject([{ kty: 'RSA', alg: 'RS256', use: 'sig' }]);
    expect(Object.keys(keys.body.keys[0]).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    expect((await client().get('/clerk/v1/jwks').expect(200)).body).toEqual(keys.body);
    expect(keys.headers['cache-control']).toBe('public, max-age=60');
  });

  it('FACES without clerk serves none of it', async () => {
    const without = await Latchkey.start({ FACES: 'none' }, latchkey);
    try {
      await request(without.url).get('/clerk/v1/client').expect(404);
      await request(without.url).get('/clerk/v1/environment').expect(404);
    } finally {
      await without.stop();
    }
  });
});
