import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { mintJwt, mintMachine } from '../support/access-table.js';
import { lendix } from '../support/apis.js';
import { addSession } from '../support/fixture-session.js';
import { Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, forgetAttempts, wrongCode, type Careful } from '../support/second-factor.js';

let latchkey: Latchkey;

beforeAll(async () => {
  latchkey = await Latchkey.start();
});
afterAll(() => latchkey.stop());

const NOT_SIGNED_IN = { error: 'You are not signed in.' };
const NO_SUCH_SESSION = { error: 'There is no such session.' };
const NOT_ACTIVATED = { error: 'This session is not activated: send the code of your app first.' };

const seatOf = ({ id: userId, token }: SignedInPerson) => ({ userId, token });
const get = (path: string, person: SignedInPerson) => lendix(latchkey, 'get', path, seatOf(person));
const signIn = (body: object | undefined) => lendix(latchkey, 'post', '/sessions', null, body);

/** Somebody with as many sessions as there are minutes, each used at another one; the most recent comes first. */
async function withSessions(minutesAgo: number[]): Promise<{ person: SignedInPerson; ids: string[] }> {
  const person = await latchkey.asUser();
  const ids = [toLendixId(person.sessionId)];
  const now = latchkey.clock.milliseconds();
  for (const minutes of minutesAgo) {
    const lastActivityAt = new Date(now - minutes * 60_000);
    ids.push(toLendixId((await addSession(latchkey, person.id, { lastActivityAt })).sessionId));
  }
  return { person, ids };
}

async function page(person: SignedInPerson, query: string): Promise<{ ids: string[]; remaining: number }> {
  const { body } = await get(`/sessions${query}`, person).expect(200);
  return { ids: body.sessions.map(({ id }: { id: string }) => id), remaining: body.remaining };
}

describe('GET /sessions', () => {
  describe('200', () => {
    it('lists the activated sessions of the user alone, the most recently used first', async () => {
      const { person, ids } = await withSessions([1, 2]);
      await latchkey.sql(`UPDATE sessions SET status = 'ended' WHERE id = $1`, [BigInt(`0x${ids[1]}`)]);
      await latchkey.asUser();
      expect(await page(person, '')).toEqual({ ids: [ids[0], ids[2]], remaining: 0 });
      const admin = await latchkey.asAdmin();
      expect((await page(admin, '')).ids).toEqual([toLendixId(admin.sessionId)]);
    });

    it('pages behind and in front of a session, exclusive of it, and says how many remain that way', async () => {
      // Two were used at the same moment: the newer one comes first.
      const { person, ids } = await withSessions([5, 4, 4, 1]);
      const [own, five, four, fourToo, one] = ids;
      const order = [own, one, fourToo, four, five];
      expect(await page(person, '?limit=2')).toEqual({ ids: order.slice(0, 2), remaining: 3 });
      expect(await page(person, `?limit=2&after=${one}`)).toEqual({ ids: order.slice(2, 4), remaining: 1 });
      expect(await page(person, `?limit=2&after=${fourToo}`)).toEqual({ ids: order.slice(3), remaining: 0 });
      expect(await page(person, `?limit=2&after=${five}`)).toEqual({ ids: [], remaining: 0 });
      expect(await page(person, `?limit=2&before=${five}`)).toEqual({ ids: order.slice(2, 4), remaining: 2 });
      expect(await page(person, `?limit=2&before=${fourToo}`)).toEqual({
        ids: order.slice(0, 2),
        remaining: 0,
      });
      expect(await page(person, `?before=${own}`)).toEqual({ ids: [], remaining: 0 });
      expect(await page(person, `?after=${own}&before=${five}&limit=2`)).toEqual({
        ids: order.slice(1, 3),
        remaining: 1,
      });
    });

    it('gives 20 unless asked otherwise, and 100 at most', async () => {
      const { person } = await withSessions(Array.from({ length: 100 }, (_, minutes) => minutes + 1));
      expect(await page(person, '')).toMatchObject({ ids: { length: 20 }, remaining: 81 });
      expect(await page(person, '?limit=999999999')).toMatchObject({ ids: { length: 100 }, remaining: 1 });
    });

    it('SECURITY 80: shows a read-only token or a JWT no token, and a session its own alone', async () => {
      const person = await latchkey.asUser();
      const machine = await mintMachine(latchkey, person.token, true);
      const jwt = await mintJwt(latchkey, person.token);
      const tokensFor = async (token: string) =>
        (await get('/sessions', { ...person, token }).expect(200)).body.sessions.map(
          (session: { token: string | null }) => session.token,
        );
      const hex = (token: string) => token.replaceAll('-', '');
      expect((await tokensFor(person.token)).sort()).toEqual([hex(person.token), null]);
      expect((await tokensFor(machine)).sort()).toEqual([hex(machine), null]);
      expect(await tokensFor(jwt)).toEqual([null, null]);
    });

    it('takes the token with hyphens too, and query parameters that say nothing', async () => {
      const person = await latchkey.asUser();
      await request(latchkey.url)
        .get('/lendix/sessions?user=&_=1')
        .set({ sessionToken: person.token, userId: toLendixId(person.id) })
        .expect(200);
    });
  });

  describe('400', () => {
    it.each(['0', '-1', '1.5', 'ten', '', '0x10', '9'.repeat(10)])('refuses limit=%s', async (limit) => {
      const { body } = await get(`/sessions?limit=${limit}`, await latchkey.asUser()).expect(400);
      expect(body).toEqual({ errors: { limit: 'This value is invalid.' } });
    });

    it('SECURITY 105: refuses a place that is none of the caller’s live sessions, whoever asks', async () => {
      const admin = await latchkey.asAdmin();
      const other = await latchkey.asUser();
      const ended = await addSession(latchkey, admin.id, { status: 'ended' });
      for (const place of [
        toLendixId(other.sessionId),
        toLendixId(ended.sessionId),
        toLendixId('987654321'),
        admin.sessionId,
        'f'.repeat(24),
        '5A67007D95A4D30015FB27D2',
        '%27%3B--',
        '',
      ]) {
        for (const name of ['before', 'after']) {
          const { body } = await get(`/sessions?${name}=${place}`, admin).expect(400);
          expect(body).toEqual({ errors: { [name]: 'This value is invalid.' } });
        }
      }
    });

    it.each([
      ['SECURITY 105: ten kilobytes', `after=${'f'.repeat(10_000)}`],
      ['a NUL', 'after=%00'],
      ['what is no percent-encoding', 'after=%zz'],
      ['two of one name', 'limit=1&limit=2'],
      ['a password', 'password=hunter2'],
    ])('refuses a query with %s', async (_, query) => {
      const { text } = await get(`/sessions?${query}`, await latchkey.asUser()).expect(400);
      expect(text).not.toMatch(/hunter2|fff/);
    });
  });

  describe('401', () => {
    it.each([
      ['nothing', {}],
      ['a token alone', { sessionToken: 'own' }],
      ['a user alone', { userId: 'own' }],
      ['somebody else’s id', { sessionToken: 'own', userId: '000000000000000000000001' }],
      ['the id in decimal', { sessionToken: 'own', userId: '1' }],
      ['the token in capitals', { sessionToken: 'OWN', userId: 'own' }],
      ['an Authorization header', { Authorization: 'Bearer own', userId: 'own' }],
      ['a cookie (SECURITY 128)', { Cookie: 'sessionToken=own; userId=own' }],
    ])('answers %s', async (_, headers) => {
      const person = await latchkey.asUser();
      const token = person.token.replaceAll('-', '');
      const sent = Object.entries(headers).map(([name, value]) => [
        name,
        name === 'userId'
          ? value.replace('own', toLendixId(person.id))
          : value.replace('own', token).replace('OWN', token.toUpperCase()),
      ]);
      const { body, headers: answered } = await request(latchkey.url)
        .get('/lendix/sessions')
        .set(Object.fromEntries(sent) as Record<string, string>)
        .expect(401);
      expect(body).toEqual(NOT_SIGNED_IN);
      expect(answered['www-authenticate']).toBe('sessionToken realm="latchkey"');
    });
  });
});

describe('GET /sessions/:sessionId', () => {
  it.each(['0', '00', '5A67007D95A4D30015FB27D2', 'f'.repeat(24), '0'.repeat(24), 'x'.repeat(24), '%00'])(
    '404: an id that can be none is an unknown one: %s',
    async (id) => {
      const { body } = await get(`/sessions/${id}`, await latchkey.asUser()).expect(404);
      expect(body).toEqual(NO_SUCH_SESSION);
    },
  );

  it('200: reads another session of the same user, without its token', async () => {
    const { person, ids } = await withSessions([1]);
    const { body } = await get(`/sessions/${ids[1]}`, person).expect(200);
    expect(body.session).toMatchObject({ id: ids[1], token: null, user: { id: toLendixId(person.id) } });
  });
});

describe('POST /sessions', () => {
  describe('200', () => {
    it('signs in with whatever members beside the two, and the session is known to the native API', async () => {
      const { email, id } = await latchkey.addUser();
      const { body } = await signIn({ email, password: PASSWORD, user: null, remember: [1] }).expect(200);
      const { token } = body.session;
      const native = token.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
      const current = await latchkey.get('/api/v2/sessions/current', native).expect(200);
      expect(toLendixId(current.body.data.id)).toBe(body.session.id);
      expect(body.session.user).toMatchObject({ id: toLendixId(id), status: 'activated', type: 'user' });
    });
  });

  describe('400', () => {
    const required = 'This field is required.';
    it.each([
      [undefined, { errors: { email: required, password: required } }],
      [{}, { errors: { email: required, password: required } }],
      [{ email: 'ada@example.com' }, { errors: { password: required } }],
      [{ email: null, password: '' }, { errors: { email: required, password: required } }],
      [{ email: ['ada@example.com'], password: 'x' }, { errors: { email: 'This value is invalid.' } }],
      [
        { email: 'ada@example.com', password: { $ne: 1 } },
        { errors: { password: 'This value is invalid.' } },
      ],
      [[], { error: 'The body is not a JSON object.' }],
    ])('refuses %j', async (sent, said) => {
      const { body } = await signIn(sent).expect(400);
      expect(body).toEqual(said);
    });

    it('refuses e-mail and password in the address', async () => {
      const { email } = await latchkey.addUser();
      const query = `?email=${email}&password=${encodeURIComponent(PASSWORD)}`;
      const { body } = await lendix(latchkey, 'post', `/sessions${query}`, null, {}).expect(400);
      expect(body).toEqual({
        errors: { email: 'Secrets are sent in the body or in headers, never in the address.' },
      });
    });
  });

  it('401: SECURITY 2: tells a wrong password and an unknown address alike', async () => {
    const { email } = await latchkey.addUser();
    const wrong = await signIn({ email, password: 'not the password' }).expect(401);
    const unknown = await signIn({ email: 'nobody@example.com', password: 'not the password' }).expect(401);
    expect([wrong.body, wrong.text]).toEqual([NOT_SIGNED_IN, unknown.text]);
  });

  it('403: tells a closed user so, who knows the password; anybody else learns nothing', async () => {
    const { id, email } = await latchkey.addUser();
    await latchkey.sql(`UPDATE users SET status = 'closed' WHERE id = $1`, [id]);
    const { body } = await signIn({ email, password: PASSWORD }).expect(403);
    expect(body).toEqual({ error: 'This account is closed.' });
    await signIn({ email, password: 'not the password' }).expect(401, NOT_SIGNED_IN);
  });

  it('429: SECURITY 16: after ten wrong passwords not even the right one is looked at', async () => {
    const { email } = await latchkey.addUser();
    for (let tries = 0; tries < 10; tries++) await signIn({ email, password: `wrong ${tries}` }).expect(401);
    const { body, headers } = await signIn({ email, password: PASSWORD }).expect(429);
    expect(body).toEqual({ error: 'Too many failed sign-ins: try again later.' });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    await forgetAttempts(latchkey);
  });
});

describe('a session that owes its second factor', () => {
  async function pending(): Promise<{ careful: Careful; path: string; seat: ReturnType<typeof seatOf> }> {
    const careful = await asCareful(latchkey);
    const { body } = await signIn({ email: careful.email, password: PASSWORD }).expect(200);
    expect(body.session).toMatchObject({ secured: false, user: { id: toLendixId(careful.id) } });
    expect(Object.keys(body.session.user)).toEqual(['id']); // nothing about the person yet
    const seat = { userId: careful.id, token: body.session.token as string };
    return { careful, seat, path: `/sessions/${body.session.id}` };
  }

  it('200: is activated by the code of the app, under a new token, and secured', async () => {
    const { careful, seat, path } = await pending();
    const code = latchkey.codeNow(careful.secret);
    const { body } = await lendix(latchkey, 'post', path, seat, { code }).expect(200);
    expect(body.session).toMatchObject({ secured: true, user: { email: careful.email } });
    expect(body.session.token).not.toBe(seat.token);
    await lendix(latchkey, 'get', '/sessions', seat).expect(401);
    await lendix(latchkey, 'get', path, { ...seat, token: body.session.token }).expect(200);
  });

  it('200: is activated by a recovery code', async () => {
    const { careful, seat, path } = await pending();
    await lendix(latchkey, 'post', path, seat, { code: careful.recoveryCodes[0] }).expect(200);
  });

  it('200: ends itself', async () => {
    const { seat, path } = await pending();
    await lendix(latchkey, 'delete', path, seat).expect(200, {});
    await lendix(latchkey, 'delete', path, seat).expect(401);
  });

  it('400, then 401: takes five wrong codes, and not even the right one after them', async () => {
    const { careful, seat, path } = await pending();
    const code = wrongCode(latchkey, careful.secret);
    for (let tries = 0; tries < 5; tries++) {
      const { body } = await lendix(latchkey, 'post', path, seat, { code }).expect(400);
      expect(body).toEqual({ errors: { code: 'This code is wrong.' } });
    }
    const right = latchkey.codeNow(careful.secret);
    await lendix(latchkey, 'post', path, seat, { code: right }).expect(401);
    await forgetAttempts(latchkey);
  });

  it('403: SECURITY 23: reads nothing, asks for no code, and touches no other session of its user', async () => {
    const { careful, seat, path } = await pending();
    const other = `/sessions/${toLendixId(careful.sessionId)}`;
    const code = latchkey.codeNow(careful.secret);
    for (const [method, at, body] of [
      ['get', '/sessions', undefined],
      ['get', path, undefined],
      ['get', other, undefined],
      ['post', path, { secured: true }],
      ['post', path, { secured: true, codeOrigin: 'email' }],
      ['post', other, { secured: true, codeOrigin: 'email' }],
      ['post', other, { code }],
      ['delete', other, undefined],
    ] as const) {
      const answer = await lendix(latchkey, method, at, seat, body);
      expect({ method, at, status: answer.status, body: answer.body }).toEqual({
        ...{ method, at },
        ...{ status: 403, body: NOT_ACTIVATED },
      });
    }
    await lendix(latchkey, 'get', other, seatOf(careful)).expect(200);
  });
});

describe('DELETE /sessions/:sessionId', () => {
  it('200: ends a session of one’s own for every API, once', async () => {
    const person = await latchkey.asUser();
    const other = await latchkey.signIn(person);
    const path = `/sessions/${toLendixId(other.sessionId)}`;
    await lendix(latchkey, 'delete', path, seatOf(person)).expect(200, {});
    await latchkey.get('/api/v2/sessions/current', other.token).expect(401);
    await lendix(latchkey, 'delete', path, seatOf(person)).expect(404, NO_SUCH_SESSION);
  });

  it('200: of ten callers at once one ends it', async () => {
    const person = await latchkey.asUser();
    const other = await latchkey.signIn(person);
    const path = `/sessions/${toLendixId(other.sessionId)}`;
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        lendix(latchkey, 'delete', path, seatOf(person)).then(({ status }) => status),
      ),
    );
    expect(answers.sort()).toEqual([200, ...Array<number>(9).fill(404)]);
  });

  it('200, then 401: signs out', async () => {
    const person = await latchkey.asUser();
    await lendix(latchkey, 'delete', `/sessions/${toLendixId(person.sessionId)}`, seatOf(person)).expect(
      200,
      {},
    );
    await get('/sessions', person).expect(401);
  });
});
