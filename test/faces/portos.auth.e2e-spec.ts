import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { Sealer } from '../../src/secrets.js';
import type { Session } from '../../src/sessions/session.entity.js';
import { TokenJwts } from '../../src/sessions/token-jwts.js';
import { mintJwt, mintMachine } from '../support/access-table.js';
import { Latchkey, PASSWORD, type Person } from '../support/latchkey.js';
import { PortosClient, problem } from '../support/portos.js';
import { asCareful, wrongCode } from '../support/second-factor.js';

const UNAUTHENTICATED = problem(401, 'Unauthorized', 'Not signed in, or the credentials are wrong', {
  errorCode: 1,
});
const SIGN_IN = { UserName: 'someone@example.com', Password: PASSWORD, DeviceName: 'P01' };
const HOUR = 3_600_000;

let latchkey: Latchkey;
let portos: PortosClient;
let person: Person;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  latchkey.clock.freeze();
  portos = new PortosClient(latchkey);
  person = await latchkey.addUser();
});
afterAll(() => latchkey.stop());

function invalid(...errors: { memberName: string; message: string; code?: number }[]): object {
  return problem(400, 'Bad Request', 'The request is not valid', { errorCode: 3, errors });
}

function refresh(sent: object) {
  return portos.post('/api/auth/refresh', null, sent);
}

describe('POST /api/auth', () => {
  describe('200', () => {
    it('answers a token, a refresh token and the user', async () => {
      const sent = { UserName: person.email, Password: PASSWORD, DeviceName: 'P01' };
      const { body, headers } = await portos.post('/api/auth', null, sent).expect(200);
      expect(headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
      });
      expect(body).toEqual({
        tokenId: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]{43}$/),
        refreshToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
        user: {
          id: expect.stringMatching(/^[0-9A-Za-z]{32}$/),
          isVirtual: false,
          name: person.email,
          userName: person.email,
          featureName: null,
          rights: [],
          device: { name: 'P01', envName: null, description: null, preferences: {}, settings: {} },
        },
      });
    });

    it.each([
      ['as the document writes them', { UserName: '', Password: '', DeviceName: '', EnvName: '' }],
      ['in camel case', { userName: '', password: '', deviceName: '', envName: '' }],
      ['in capitals', { USERNAME: '', PASSWORD: '', DEVICENAME: '', ENVNAME: '' }],
    ])('reads its members whatever their case: %s', async (_, names) => {
      const [userName, password, deviceName, envName] = Object.keys(names);
      const sent = {
        [userName!]: person.email,
        [password!]: PASSWORD,
        [deviceName!]: 'P02',
        [envName!]: 'CashRegister',
        unknown: 1,
      };
      const { body } = await portos.post('/api/auth', null, sent).expect(200);
      expect(body.user.device).toMatchObject({ name: 'P02', envName: 'CashRegister' });
    });

    it('opens a session of twelve hours that its use does not prolong', async () => {
      const { tokenId } = await portos.signIn(person);
      latchkey.clock.move(11 * HOUR);
      const [session] = (await portos.get('/sessions?$sort=-startedAt&$take=1', tokenId).expect(200)).body
        .items;
      expect(Date.parse(session.expiresAt) - Date.parse(session.startedAt)).toBe(12 * HOUR);
      latchkey.clock.move(HOUR - 1_000);
      await portos.get('/api/auth', tokenId).expect(200);
      latchkey.clock.move(1_000);
      await portos.get('/api/auth', tokenId).expect(401);
    });

    it('opens one that is the same through the native API, by the same token', async () => {
      const { tokenId } = await portos.signIn(person);
      const { body } = await latchkey
        .get('/api/v2/sessions/current?fields[sessions]=device_name,token', tokenId)
        .expect(200);
      const { device_name, token } = body.data.attributes;
      expect(device_name).toBe('P01');
      await portos.get('/api/auth', token).expect(200);
      await latchkey.delete(`/api/v2/sessions/${body.data.id}`, token).expect(204);
      expect((await portos.get('/api/auth', tokenId).expect(401)).body).toEqual(UNAUTHENTICATED);
    });

    it('takes a one-time password or a recovery code along, for whoever has a second factor', async () => {
      const careful = await asCareful(latchkey);
      const otp = latchkey.codeNow(careful.secret);
      const byCode = await portos.signIn(careful, { Otp: otp });
      const byRecovery = await portos.signIn(careful, { otp: careful.recoveryCodes[0] });
      for (const { tokenId, refreshToken } of [byCode, byRecovery]) {
        const { body } = await latchkey.get('/api/v2/sessions/current', tokenId).expect(200);
        expect(body.data.attributes.two_factor_auth).toBe(true);
        await refresh({ tokenId, refreshToken }).expect(200);
      }
    });
  });

  describe('400', () => {
    it.each([
      ['userName', { ...SIGN_IN, UserName: undefined }],
      ['userName', { ...SIGN_IN, UserName: '' }],
      ['userName', { ...SIGN_IN, UserName: null }],
      ['deviceName', { ...SIGN_IN, DeviceName: undefined }],
      ['deviceName', { ...SIGN_IN, DeviceName: '  ' }],
    ])('asks for %s', async (memberName, sent) => {
      const { body } = await portos.post('/api/auth', null, sent).expect(400);
      expect(body).toEqual(invalid({ memberName, message: 'is required', code: 1 }));
    });

    it('names everything that is wrong at once', async () => {
      const sent = { UserName: 5, Password: ['x'], DeviceName: 'd'.repeat(256), EnvName: 'a\0', Otp: {} };
      const { body } = await portos.post('/api/auth', null, sent).expect(400);
      expect(body).toEqual(
        invalid(
          { memberName: 'userName', message: 'is invalid' },
          { memberName: 'password', message: 'is invalid' },
          { memberName: 'otp', message: 'is invalid' },
          { memberName: 'deviceName', message: 'is too long' },
          { memberName: 'envName', message: 'is invalid' },
        ),
      );
    });

    it.each(['[]', '"x"', 'null', '5', ''])('asks for an object: %s', async (text) => {
      const { body } = await portos
        .call('post', '/api/auth', null)
        .set('Content-Type', 'application/json')
        .send(text)
        .expect(400);
      expect(body).toMatchObject({ status: 400, errorCode: 3, errors: [] });
    });

    it.each([
      ['/api/auth', 'UserName'],
      ['/api/auth', 'Password'],
      ['/api/auth', 'email'],
      ['/api/auth', 'Otp'],
      ['/api/auth/refresh', 'tokenId'],
      ['/api/auth/refresh', 'refreshToken'],
    ])('POST %s takes no secret from the query: %s', async (path, name) => {
      const sent = { ...SIGN_IN, UserName: person.email };
      const { body } = await portos
        .post(`${path}?${name}=${encodeURIComponent(PASSWORD)}`, null, sent)
        .expect(400);
      expect(body).toMatchObject({ status: 400, errorCode: 3, errors: [{ memberName: name.toLowerCase() }] });
      expect(JSON.stringify(body)).not.toContain(PASSWORD);
    });

    it('refuses two spellings of one member, of which it cannot know which is meant', async () => {
      await portos.post('/api/auth', null, { ...SIGN_IN, username: 'other@example.com' }).expect(400);
    });
  });

  describe('401', () => {
    it.each([
      ['a wrong password', () => ({ Password: 'not the password' })],
      ['no password', () => ({ Password: undefined })],
      ['an empty password', () => ({ Password: '' })],
      ['a password beyond ASCII', () => ({ Password: 'пароль\u0000\ud800' })],
      ['an unknown user', () => ({ UserName: 'nobody@example.com' })],
    ])('answers the same to %s', async (_, difference) => {
      const sent = { ...SIGN_IN, UserName: person.email, ...difference() };
      const { body, headers } = await portos.post('/api/auth', null, sent).expect(401);
      expect(body).toEqual(UNAUTHENTICATED);
      expect(headers['content-type']).toBe('application/problem+json');
      expect(headers['www-authenticate']).toBe('Bearer realm="latchkey"');
    });

    it('SECURITY 23: asks whoever has a second factor for its code, and leaves nothing half-open behind', async () => {
      const careful = await asCareful(latchkey);
      const sent = { ...SIGN_IN, UserName: careful.email };
      const without = await portos.post('/api/auth', null, sent).expect(401);
      expect(without.body).toMatchObject({
        errorCode: 1,
        detail: 'A one-time password is needed as well: send it as otp',
      });
      const wrong = { ...sent, otp: wrongCode(latchkey, careful.secret) };
      expect((await portos.post('/api/auth', null, wrong).expect(401)).body).toEqual(UNAUTHENTICATED);
      const rows = await latchkey.sql<{ status: string }>(
        `SELECT status FROM sessions WHERE user_id = $1 AND device_name = 'P01'`,
        [careful.id],
      );
      expect(rows).toEqual([{ status: 'ended' }, { status: 'ended' }]);
    });

    it('takes one code once, of many who send it at the same moment', async () => {
      const careful = await asCareful(latchkey);
      const otp = latchkey.codeNow(careful.secret);
      const sent = { ...SIGN_IN, UserName: careful.email, otp };
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => portos.post('/api/auth', null, sent)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401]);
    });

    it('says no more of a closed user than of an unknown one', async () => {
      const admin = await latchkey.asAdmin();
      const closed = await latchkey.addUser();
      await latchkey.delete(`/api/v2/users/${closed.id}`, admin.token).expect(204);
      const { body } = await portos.post('/api/auth', null, { ...SIGN_IN, UserName: closed.email });
      expect(body).toEqual(UNAUTHENTICATED);
    });
  });

  describe('429', () => {
    it('counts wrong codes together with those of the other APIs', async () => {
      const careful = await asCareful(latchkey);
      const sent = { ...SIGN_IN, UserName: careful.email, otp: wrongCode(latchkey, careful.secret) };
      const statuses = [];
      for (let tries = 0; tries < 11; tries++)
        statuses.push((await portos.post('/api/auth', null, sent)).status);
      expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
      const right = { ...sent, otp: latchkey.codeNow(careful.secret) };
      const { body, headers } = await portos.post('/api/auth', null, right).expect(429);
      expect(body).toEqual(problem(429, 'Too Many Requests', 'Too many codes: try again later'));
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    });
  });
});

describe('GET /api/auth', () => {
  it('200: answers the user and the device', async () => {
    const { tokenId, user } = await portos.signIn(person);
    expect((await portos.get('/api/auth', tokenId).expect(200)).body).toEqual(user);
  });

  it('200: takes any live credential of Latchkey, of whatever kind', async () => {
    const other = await latchkey.asUser({ rights: ['session.read'] });
    const machine = await mintMachine(latchkey, other.token, true);
    for (const token of [other.token, machine, await mintJwt(latchkey, other.token)]) {
      const { body } = await portos.get('/api/auth', token).expect(200);
      expect(body).toMatchObject({
        userName: other.email,
        rights: ['session.read'],
        device: { name: null, envName: null },
      });
    }
  });

  it('SECURITY 23: 401: a session that owes its second factor is nowhere live', async () => {
    const careful = await asCareful(latchkey);
    const { token, sessionId } = await latchkey.signIn(careful);
    for (const path of ['/api/auth', '/sessions', '/api/sessions', `/sessions/${sessionId}`]) {
      expect((await portos.get(path, token)).status).toBe(401);
    }
    await portos.delete('/api/auth', token).expect(401);
    await portos.delete(`/sessions/${sessionId.padStart(32, '0')}`, token).expect(401);
  });

  it.each([
    ['none', {}],
    ['a scheme that is not served', { Authorization: 'NWS4-HMAC-SHA256 Credential%3Dx' }],
    ['an empty one', { Authorization: 'Bearer' }],
    ['no token', { Authorization: 'Bearer e30.e30.' }],
  ])('401: asks for a credential: %s', async (_, headers) => {
    const { body } = await portos.get('/api/auth', null).set(headers).expect(401);
    expect(body).toEqual(UNAUTHENTICATED);
  });

  describe('SECURITY 48: 401: a token that is not ours to the letter', () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

    it.each<[string, (parts: string[], claims: Record<string, unknown>) => string]>([
      ['no signature', ([header, payload]) => `${header}.${payload}.`],
      ['no signature and no dot', ([header, payload]) => `${header}.${payload}`],
      ['alg none', ([, payload]) => `${part({ alg: 'none', typ: 'JWT' })}.${payload}.`],
      ['other members before it', (parts) => `${part({ alg: 'HS256' })}.${parts[1]}.${parts[2]}`],
      ['a later expiry', ([header, , mac], claims) => `${header}.${part({ ...claims, exp: 9e9 })}.${mac}`],
      [
        'a weak key',
        ([header, payload]) =>
          `${header}.${payload}.${createHmac('sha256', 'secret').update(`${header}.${payload}`).digest('base64url')}`,
      ],
      ['one character less', (parts) => parts.join('.').slice(0, -1)],
      ['padding', (parts) => `${parts.join('.')}=`],
      ['a part more', (parts) => `${parts.join('.')}.${parts[2]}`],
      ['other case', (parts) => parts.join('.').toUpperCase()],
      ['no header', ([, payload, mac]) => `.${payload}.${mac}`],
    ])('%s', async (_, forge) => {
      const { tokenId } = await portos.signIn(person);
      const parts = tokenId.split('.');
      const claims = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Record<string, unknown>;
      await portos.get('/api/auth', forge(parts, claims)).expect(401);
      await portos.get('/api/auth', tokenId).expect(200);
    });

    it('one that wraps a live token under another SECRET_KEY', async () => {
      const { tokenId } = await portos.signIn(person);
      const { jti, sub, exp } = JSON.parse(Buffer.from(tokenId.split('.')[1]!, 'base64url').toString());
      const session = { token: jti, userId: sub, expiresAt: new Date(exp * 1000) } as Session;
      const wrapped = (key: Buffer) => new TokenJwts(new Sealer(key), latchkey.clock).wrap(session);
      expect(wrapped(Buffer.from(process.env.SECRET_KEY!, 'hex'))).toBe(tokenId);
      await portos.get('/api/auth', wrapped(Buffer.alloc(32, 1))).expect(401);
    });
  });
});

describe('POST /api/auth/refresh', () => {
  it('200: gives new tokens and the whole lifetime anew; the old ones are dead at once', async () => {
    const before = await portos.signIn(person);
    latchkey.clock.move(11 * HOUR);
    const { body: after } = await refresh({
      TokenId: before.tokenId,
      RefreshToken: before.refreshToken,
    }).expect(200);
    expect(Object.keys(after)).toEqual(['tokenId', 'refreshToken']);

    expect((await portos.get('/api/auth', before.tokenId).expect(401)).body).toEqual(UNAUTHENTICATED);
    await refresh({ tokenId: before.tokenId, refreshToken: before.refreshToken }).expect(401);
    await refresh({ tokenId: after.tokenId, refreshToken: before.refreshToken }).expect(401);
    await refresh({ tokenId: before.tokenId, refreshToken: after.refreshToken }).expect(401);

    latchkey.clock.move(12 * HOUR - 1_000);
    await portos.get('/api/auth', after.tokenId).expect(200);
    await refresh(after).expect(200);
  });

  it('200: for one of many who refresh at the same moment, whose tokens then live alone', async () => {
    const { tokenId, refreshToken } = await portos.signIn(person);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh({ tokenId, refreshToken })));
    const won = answers.filter(({ status }) => status === 200);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(401)]);
    await portos.get('/api/auth', won[0]!.body.tokenId).expect(200);
    await portos.get('/api/auth', tokenId).expect(401);
  });

  it('400: asks for both tokens', async () => {
    const { body } = await refresh({ tokenId: '' }).expect(400);
    expect(body).toEqual(
      invalid(
        { memberName: 'tokenId', message: 'is required', code: 1 },
        { memberName: 'refreshToken', message: 'is required', code: 1 },
      ),
    );
  });

  it.each<[string, (tokens: { tokenId: string; refreshToken: string }) => object]>([
    ['a refresh token that is none', ({ tokenId }) => ({ tokenId, refreshToken: 'x' })],
    ['one in other case', ({ tokenId, refreshToken: r }) => ({ tokenId, refreshToken: r.toUpperCase() })],
    ['the token twice', ({ tokenId }) => ({ tokenId, refreshToken: tokenId })],
    ['them exchanged', ({ tokenId, refreshToken }) => ({ tokenId: refreshToken, refreshToken: tokenId })],
    ['the refresh token twice', ({ refreshToken }) => ({ tokenId: refreshToken, refreshToken })],
  ])('401: for %s', async (_, sent) => {
    const tokens = await portos.signIn(person);
    expect((await refresh(sent(tokens)).expect(401)).body).toEqual(UNAUTHENTICATED);
    await refresh({ tokenId: tokens.tokenId, refreshToken: tokens.refreshToken }).expect(200);
  });

  it('401: for the refresh token of another session, though it is one’s own', async () => {
    const [one, other] = [await portos.signIn(person), await portos.signIn(person)];
    await refresh({ tokenId: one.tokenId, refreshToken: other.refreshToken }).expect(401);
    await portos.get('/api/auth', one.tokenId).expect(200);
    await portos.get('/api/auth', other.tokenId).expect(200);
  });

  it('401: for a session that has ended, has expired, or whose user is closed or changed the password', async () => {
    const ended = await portos.signIn(person);
    await portos.delete('/api/auth', ended.tokenId).expect(204);
    await refresh({ tokenId: ended.tokenId, refreshToken: ended.refreshToken }).expect(401);

    const expired = await portos.signIn(person);
    latchkey.clock.move(12 * HOUR);
    await refresh({ tokenId: expired.tokenId, refreshToken: expired.refreshToken }).expect(401);

    const admin = await latchkey.asAdmin();
    const closing = await latchkey.addUser();
    const closed = await portos.signIn(closing);
    await latchkey.delete(`/api/v2/users/${closing.id}`, admin.token).expect(204);
    await refresh({ tokenId: closed.tokenId, refreshToken: closed.refreshToken }).expect(401);

    const changing = await latchkey.asUser();
    const changed = await portos.signIn(changing);
    const attributes = { password: 'another long passphrase', current_password: PASSWORD };
    const change = { data: { type: 'users', id: changing.id, attributes } };
    await latchkey.patch(`/api/v2/users/${changing.id}`, changing.token, change).expect(200);
    await refresh({ tokenId: changed.tokenId, refreshToken: changed.refreshToken }).expect(401);
  });

  it('401: revives nothing while many end the session and many refresh it', async () => {
    for (let round = 0; round < 5; round++) {
      const { tokenId, refreshToken } = await portos.signIn(person);
      const [refreshed, ended] = await Promise.all([
        refresh({ tokenId, refreshToken }),
        portos.delete('/api/auth', tokenId),
      ]);
      // Whoever was first: an answered end is the end, and an end that came too late says so.
      const live = refreshed.status === 200 && ended.status !== 204;
      const token = refreshed.status === 200 ? refreshed.body.tokenId : tokenId;
      expect((await portos.get('/api/auth', token)).status).toBe(live ? 200 : 401);
    }
  });

  it('keeps neither token where it could be read', async () => {
    const { tokenId, refreshToken } = await portos.signIn(person);
    const token = JSON.parse(Buffer.from(tokenId.split('.')[1]!, 'base64url').toString()).jti as string;
    const rows = await latchkey.sql<{ row: string }>('SELECT s::text AS row FROM sessions s');
    const text = rows.map(({ row }) => row).join('\n');
    for (const secret of [
      tokenId,
      token,
      refreshToken,
      token.replaceAll('-', ''),
      refreshToken.replaceAll('-', ''),
    ]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });
});

describe('DELETE /api/auth', () => {
  it('204: ends the session that asks, and no other', async () => {
    const [one, other] = [await portos.signIn(person), await portos.signIn(person)];
    const { text } = await portos.delete('/api/auth', one.tokenId).expect(204);
    expect(text).toBe('');
    await portos.delete('/api/auth', one.tokenId).expect(401);
    await portos.get('/api/auth', other.tokenId).expect(200);
  });

  it('403: a read-only credential ends nothing, not even itself', async () => {
    const { token } = await latchkey.asUser();
    for (const readOnly of [await mintMachine(latchkey, token, true), await mintJwt(latchkey, token)]) {
      const { body } = await portos.delete('/api/auth', readOnly).expect(403);
      expect(body).toEqual(problem(403, 'Forbidden', 'Not allowed', { errorCode: 2 }));
      await portos.get('/api/auth', readOnly).expect(200);
    }
  });
});
