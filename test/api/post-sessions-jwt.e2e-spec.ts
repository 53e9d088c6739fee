import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { KeysService, type JwtPayload } from '../../src/keys/keys.service.js';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { READ_ONLY_SESSION, UNAUTHENTICATED } from '../support/refusals.js';
import { asCareful } from '../support/second-factor.js';

const PATH = '/api/v2/sessions/jwt';
let latchkey: Latchkey;
let user: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  user = await latchkey.asUser();
  latchkey.clock.freeze();
});
afterAll(() => latchkey.stop());

async function jwtOf(token: string, expiresIn = 60): Promise<string> {
  return (await latchkey.post(`${PATH}?expires_in=${expiresIn}`, token).expect(201)).body.jwt;
}

function use(jwt: string) {
  return latchkey.get('/api/v2/sessions/current', jwt);
}

describe('201', () => {
  it('SECURITY 87: answers the JWT and its payload as plain JSON, with these members and no others', async () => {
    const response = await latchkey.post(`${PATH}?expires_in=60`, user.token).expect(201);
    expect(response.headers['content-type']).toMatch(/^application\/json/);
    expect(response.headers['cache-control']).toContain('no-store');
    const payload = { user_id: Number(user.id), exp: latchkey.clock.seconds() + 60, type: 'read-only' };
    expect(response.body).toEqual({ jwt: expect.any(String), payload });
    expect(JSON.stringify(response.body.payload)).toBe(JSON.stringify(payload));
    expect(decodeJwt(response.body.jwt)).toEqual(payload);
    const header = decodeProtectedHeader(response.body.jwt);
    expect(header).toEqual({ alg: 'ES256', kid: expect.any(String), sid: user.sessionId });
  });

  it('is verified by anyone through the published keys', async () => {
    const jwt = await jwtOf(user.token);
    const keys = createRemoteJWKSet(new URL(`${latchkey.url}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(jwt, keys, { currentDate: latchkey.clock.now() });
    expect(payload.user_id).toBe(Number(user.id));
    await expect(jwtVerify(`${jwt.slice(0, -3)}AAA`, keys)).rejects.toThrow();
  });

  it.each(['X-Auth-Token', 'Authorization'])('opens our own API for reading, as %s', async (header) => {
    const jwt = await jwtOf(user.token);
    const value = header === 'Authorization' ? `Bearer ${jwt}` : jwt;
    const response = await latchkey.get('/api/v2/sessions/current', null).set(header, value).expect(200);
    expect(response.body.data).toMatchObject({ id: user.sessionId, attributes: { token: null } });
  });

  it.each([
    ['absent', PATH, 60],
    ['1', `${PATH}?expires_in=1`, 1],
    ['3600', `${PATH}?expires_in=3600`, 3600],
    ['with leading zeros', `${PATH}?expires_in=0060`, 60],
  ])('SECURITY 88: expires_in %s', async (_, path, seconds) => {
    const { body } = await latchkey.post(path, user.token).expect(201);
    expect(body.payload.exp).toBe(latchkey.clock.seconds() + seconds);
    expect(decodeJwt(body.jwt)).toEqual(body.payload);
  });

  it('SECURITY 76: nobody’s claims but the caller’s own, whatever the body says', async () => {
    const other = await latchkey.asUser();
    const sent = document('sessions', { user_id: Number(other.id), exp: 4_102_444_800, type: 'full' });
    const { body } = await latchkey
      .post(PATH, user.token, { ...sent, user_id: Number(other.id) })
      .expect(201);
    const exp = latchkey.clock.seconds() + 60;
    expect(body.payload).toEqual({ user_id: Number(user.id), exp, type: 'read-only' });
  });

  it('lives no longer than the session it is made from', async () => {
    const exp = latchkey.clock.seconds() + 100;
    const draft = { name: 'short', token_expires_at: new Date(exp * 1000 + 500).toISOString() };
    const machine = await latchkey.post('/api/v2/sessions/machine', user.token, document('sessions', draft));
    const { body } = await latchkey.post(`${PATH}?expires_in=3600`, machine.body.data.attributes.token);
    expect(body.payload.exp).toBe(exp);
  });

  it('SECURITY 91: a JWT made from a JWT lives no longer than that one, and writes nothing', async () => {
    const { body } = await latchkey.post(`${PATH}?expires_in=3600`, await jwtOf(user.token, 30)).expect(201);
    expect(body.payload.exp).toBe(latchkey.clock.seconds() + 30);
    const path = `/api/v2/sessions/${user.sessionId}`;
    await latchkey.delete(path, body.jwt).expect(403, READ_ONLY_SESSION);
  });
});

describe('400', () => {
  it.each([
    ...[
      '',
      '0',
      '-1',
      '+60',
      'NaN',
      'Infinity',
      '1e3',
      '1e309',
      '0x10',
      '60.5',
      '60abc',
      ' 60',
      '60 ',
      '3601',
    ],
    ...[
      '2147483648',
      '9007199254740993',
      '99999999999999999999',
      '[]',
      '%D9%A6%D9%A0',
      '60%00',
      'null',
      '%EF%BC%96',
    ],
  ])('SECURITY 88: expires_in=%s', async (value) => {
    const response = await latchkey.post(
      `${PATH}?expires_in=${encodeURI(value).replaceAll('%25', '%')}`,
      user.token,
    );
    expect(response.status).toBe(400);
    if (!value.includes('%00')) expect(response.body.errors[0].source).toEqual({ parameter: 'expires_in' });
  });

  it.each([
    'expires_in=60&expires_in=3600',
    'expires_in[]=60',
    'expires_in[$gt]=60',
    'user_id=1',
    'type=full',
  ])('SECURITY 76, 88: ?%s', async (query) => {
    await latchkey.post(`${PATH}?${query}`, user.token).expect(400);
  });
});

describe('401', () => {
  it('SECURITY 92: a JWT is dead from its expiry on', async () => {
    const jwt = await jwtOf(user.token, 60);
    latchkey.clock.move(59_000);
    await use(jwt).expect(200);
    latchkey.clock.move(1_000);
    await use(jwt).expect(401, UNAUTHENTICATED);
    latchkey.clock.move(2_000);
    await use(jwt).expect(401, UNAUTHENTICATED);
    await latchkey.post(PATH, jwt).expect(401, UNAUTHENTICATED);
  });

  it('SECURITY 93: a JWT dies with its session at once', async () => {
    const other = await latchkey.signIn(user);
    const jwt = await jwtOf(other.token, 3600);
    await use(jwt).expect(200);
    await latchkey.delete(`/api/v2/sessions/${other.sessionId}`, user.token).expect(204);
    await use(jwt).expect(401, UNAUTHENTICATED);
    await latchkey.post(PATH, jwt).expect(401, UNAUTHENTICATED);
  });

  it.each(['closed', 'pending'])('a JWT is nothing for a user or session that is %s', async (state) => {
    const owner = await latchkey.asUser();
    const jwt = await jwtOf(owner.token);
    const table = state === 'closed' ? 'users' : 'sessions';
    await latchkey.sql(`UPDATE ${table} SET status = $1 WHERE id = $2`, [
      state === 'closed' ? 'closed' : 'pending_otp',
      state === 'closed' ? owner.id : owner.sessionId,
    ]);
    await use(jwt).expect(401, UNAUTHENTICATED);
  });

  it.each([
    ['without exp', () => ({ user_id: Number(user.id), type: 'read-only' })],
    ['without type', (exp: number) => ({ user_id: Number(user.id), exp })],
    ['of another type', (exp: number) => ({ user_id: Number(user.id), exp, type: 'full' })],
    ['of a type that is a list', (exp: number) => ({ user_id: Number(user.id), exp, type: ['read-only'] })],
    ['without user_id', (exp: number) => ({ exp, type: 'read-only' })],
    ['of another user', (exp: number) => ({ user_id: Number(user.id) + 1, exp, type: 'read-only' })],
    ['with a text for user_id', (exp: number) => ({ user_id: user.id, exp, type: 'read-only' })],
    [
      'with a text for exp',
      (exp: number) => ({ user_id: Number(user.id), exp: `${exp}`, type: 'read-only' }),
    ],
    [
      'with a fraction for exp',
      (exp: number) => ({ user_id: Number(user.id), exp: exp + 0.5, type: 'read-only' }),
    ],
    ['with 1e300 for exp', () => ({ user_id: Number(user.id), exp: 1e300, type: 'read-only' })],
    ['with null for exp', () => ({ user_id: Number(user.id), exp: null, type: 'read-only' })],
    ['with a claim more', (exp: number) => ({ user_id: Number(user.id), exp, type: 'read-only', aud: 'x' })],
    ['of no claims', () => ({})],
  ])('SECURITY 92, 94: a JWT %s is refused though we signed it', async (_, claims) => {
    const keys = latchkey.app.get(KeysService, { strict: false });
    const payload = claims(latchkey.clock.seconds() + 60) as JwtPayload;
    await use(await keys.sign(user.sessionId, payload)).expect(401, UNAUTHENTICATED);
  });

  it.each(['0', '999999', 'x', '1 OR 1=1', '-1', '01', '99999999999999999999'])(
    'a JWT of the session %j is refused though we signed it',
    async (sid) => {
      const keys = latchkey.app.get(KeysService, { strict: false });
      const exp = latchkey.clock.seconds() + 60;
      const jwt = await keys.sign(sid, { user_id: Number(user.id), exp, type: 'read-only' });
      await use(jwt).expect(401, UNAUTHENTICATED);
    },
  );

  it('asks for a session', async () => {
    await latchkey.post(PATH, null).expect(401, UNAUTHENTICATED);
  });
});

describe('403', () => {
  it('a pending session gets none', async () => {
    const careful = await asCareful(latchkey);
    const { token } = await latchkey.signIn(careful);
    await latchkey.post(PATH, token).expect(403);
  });
});
