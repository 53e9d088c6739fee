import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { activityByHand } from '../support/activity.js';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { UNAUTHENTICATED } from '../support/refusals.js';
import { declaredRoutesOf } from '../support/routes.js';
import { asCareful, validateOtp } from '../support/second-factor.js';
import { countStatements } from '../support/statements.js';

const PATH = '/api/v2/sessions';
const CURRENT = `${PATH}/current`;
const SECOND = 1_000;
const DAY = 86_400_000;

describe('the credential of a request', () => {
  const statements = countStatements();
  let latchkey: Latchkey;
  let person: SignedInPerson;
  let writeActivity: () => Promise<void>;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    writeActivity = activityByHand(latchkey);
    person = await latchkey.asUser();
  });
  afterAll(async () => {
    await latchkey?.stop();
    statements.restore();
  });

  const current = (headers: Record<string, string> = {}) => latchkey.get(CURRENT, null).set(headers);
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  describe('accepted', () => {
    it('SECURITY 46: in X-Auth-Token, as a bearer, and in both', async () => {
      const spellings: Record<string, string>[] = [
        { 'X-Auth-Token': person.token },
        bearer(person.token),
        { Authorization: `bearer ${person.token}` },
        { 'X-Auth-Token': person.token, ...bearer(person.token) },
        { 'X-Auth-Token': person.token, 'X-Organization-Id': '1' },
      ];
      for (const headers of spellings) {
        const { body } = await current(headers).expect(200);
        expect(body.data.id).toBe(person.sessionId);
      }
    });

    it('costs one SQL statement', async () => {
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, person.token).expect(201)).body;
      await current(bearer(jwt)).expect(200);
      expect(await statements.during(() => current(bearer(person.token)).expect(200))).toBe(1);
      expect(await statements.during(() => current(bearer(jwt)).expect(200))).toBe(1);
    });
  });

  describe('401', () => {
    it.each([
      ['', 'Bearer'],
      [' ', 'Bearer '],
      ['null', 'Bearer null'],
      ['undefined', 'Bearer undefined'],
      ['%ZZ', 'Bearer %ZZ'],
      ['"TOKEN"', 'Bearer "TOKEN"'],
      ["'TOKEN'", "Bearer 'TOKEN'"],
      ['TOKEN,TOKEN', 'Bearer TOKEN,TOKEN'],
      ['TOKEN TOKEN', 'Bearer TOKEN TOKEN'],
      ['Bearer TOKEN', 'Bearer Bearer TOKEN'],
      ['{TOKEN}', 'Bearer {TOKEN}'],
      ['{"$ne":null}', 'Bearer {"$ne":null}'],
      ['["TOKEN"]', 'Bearer ["TOKEN"]'],
      ['e30.e30.', 'Bearer e30.e30.'],
      ['e30.e30.e30', 'Bearer e30.e30.e30'],
      ['..', 'Bearer ..'],
      ['....', 'Bearer ....'],
      ["' OR '1'='1", "Bearer ' OR '1'='1"],
      ['é', 'Bearer é'],
      ['x'.repeat(6_000), `Bearer ${'x'.repeat(6_000)}`],
      [`${'e30.'.repeat(1_000)}e30`, `Bearer ${'e30.'.repeat(1_000)}e30`],
      ['__proto__', 'Bearer __proto__'],
      ['00000000-0000-0000-0000-000000000000', 'Bearer 00000000-0000-0000-0000-000000000000'],
      ['urn:uuid:TOKEN', 'TOKEN'],
      ['token=TOKEN', 'Token TOKEN'],
      ['Token TOKEN', 'Basic TOKEN'],
      ['TOKEN;', 'Digest TOKEN'],
    ])('SECURITY 47: %s is none', async (token, authorization) => {
      const filled = (text: string) => text.replaceAll('TOKEN', person.token);
      const answers = [
        await current({ 'X-Auth-Token': filled(token) }).expect(401),
        await current({ Authorization: filled(authorization) }).expect(401),
      ];
      for (const { body } of answers) {
        expect(body).toEqual(UNAUTHENTICATED);
      }
    });

    it('SECURITY 48: no other text than the token itself is the token', async () => {
      const { token } = person;
      const flip = (at: number) => token.slice(0, at) + (token[at] === '0' ? '1' : '0') + token.slice(at + 1);
      const wrong = [
        ...[1, 2, 6, 18].map((cut) => token.slice(0, -cut)),
        ...[1, 2, 6, 18].map((cut) => token.slice(cut)),
        ...['a', '=', '.', '-'].map((more) => token + more),
        ...[0, 10, 17, 35].map(flip),
        token.toUpperCase() === token ? flip(1) : token.toUpperCase(),
        token.replaceAll('-', ''),
        [...token].reverse().join(''),
        Buffer.from(token).toString('base64'),
        `0${token}`,
      ];
      for (const text of wrong) await current({ 'X-Auth-Token': text }).expect(401);
      await current({ 'X-Auth-Token': token }).expect(200);
    });

    it('SECURITY 51: a malformed one costs no SQL statement', async () => {
      const cost = await statements.during(async () => {
        for (const token of ['nonsense', 'e30.e30.e30', person.token.slice(1), `${person.token}0`])
          for (const header of [{ 'X-Auth-Token': token }, bearer(token)]) await current(header).expect(401);
        await current().expect(401);
      });
      expect(cost).toBe(0);
    });

    it.each([
      'X-Api-Key',
      'X-User-Id',
      'X-User-Token',
      'Api-Key',
      'Cookie',
      'X-Authorization',
      'Proxy-Authorization',
      'X-Access-Token',
    ])('SECURITY 49: the token in %s is no credential', async (name) => {
      for (const value of [person.token, `Bearer ${person.token}`, `token=${person.token}`])
        await current({ [name]: value }).expect(401);
    });

    it.each(['token', 'access_token', 'auth_token', 'api_token', 'X-Auth-Token', 'Authorization'])(
      'SECURITY 49: the token as ?%s= is no credential, and beside one it is refused',
      async (name) => {
        await latchkey.get(`${CURRENT}?${name}=${person.token}`, null).expect(401);
        const { body, text } = await latchkey
          .get(`${CURRENT}?${name}=${person.token}`, person.token)
          .expect(400);
        expect(body.errors[0].source).toEqual({ parameter: name.toLowerCase() });
        expect(text).not.toContain(person.token);
      },
    );

    it('SECURITY 49: the token in the body is no credential', async () => {
      const { token } = person;
      const sent = { ...document('sessions', { name: 'robot', token }), token, meta: { token } };
      await latchkey.post(`${PATH}/machine`, null, sent).expect(401);
    });

    it('SECURITY 67: no route that asks for a session answers without one', async () => {
      for (const { method, path, access } of declaredRoutesOf(latchkey.app)) {
        if (access?.who !== 'signed_in' && access?.who !== 'interactive') continue;
        const verb = method.toLowerCase() as 'get';
        const { status } = await latchkey[verb](path.replace(/:\w+/g, '1'), null);
        expect({ method, path, status }).toEqual({ method, path, status: 401 });
      }
    });
  });

  describe('400', () => {
    it('SECURITY 59: two that differ are a conflict, whichever of them is right', async () => {
      const { token } = await latchkey.asUser();
      for (const [left, right] of [
        [person.token, `Bearer ${token}`],
        [person.token, 'Bearer nonsense'],
        ['nonsense', `Bearer ${person.token}`],
        [person.token, 'Basic YTpi'],
        [person.token, `Bearer ${person.token.toUpperCase()} `],
      ] as const) {
        const { body } = await current({ 'X-Auth-Token': left, Authorization: right }).expect(400);
        expect(body.errors[0]).toMatchObject({ code: 'bad_request', source: { header: 'Authorization' } });
      }
    });

    it.each(['X-Auth-Token', 'Authorization'])('SECURITY 59: so are two of %s', async (name) => {
      const { token } = await latchkey.asUser();
      const prefix = name === 'Authorization' ? 'Bearer ' : '';
      const send = (values: string[]) =>
        request(latchkey.url)
          .get(CURRENT)
          .set(name, values.map((value) => prefix + value) as unknown as string);
      await send([person.token, token]).expect(400);
      await send([token, person.token]).expect(400);
      await send([person.token, person.token]).expect(200);
    });
  });

  describe('over time', () => {
    afterAll(() => latchkey.clock.release());

    it('SECURITY 58: a browser session ends 14 days after its last use, to the second', async () => {
      latchkey.clock.freeze();
      const [used, idle] = [await latchkey.signIn(person), await latchkey.signIn(person)];
      latchkey.clock.move(14 * DAY - SECOND);
      await current(bearer(used.token)).expect(200);
      await writeActivity();
      latchkey.clock.move(2 * SECOND);
      await current(bearer(idle.token)).expect(401);
      await current(bearer(used.token)).expect(200);
      latchkey.clock.move(14 * DAY - 2 * SECOND);
      await current(bearer(used.token)).expect(401);
      await latchkey.get(`${PATH}/${used.sessionId}`, used.token).expect(401);
    });

    it('SECURITY 58: a machine session ends when it was asked to, however much it is used', async () => {
      const asker = await latchkey.asUser();
      const expiresAt = new Date(latchkey.clock.milliseconds() + DAY);
      const mint = async (attributes: object) =>
        (await latchkey.post(`${PATH}/machine`, asker.token, document('sessions', attributes)).expect(201))
          .body.data.attributes.token as string;
      const bounded = await mint({ name: 'a', token_expires_at: expiresAt.toISOString() });
      const endless = await mint({ name: 'b' });
      latchkey.clock.move(DAY - SECOND);
      const { body } = await current(bearer(bounded)).expect(200);
      expect(Date.parse(body.data.attributes.token_expires_at)).toBe(expiresAt.getTime());
      await writeActivity();
      latchkey.clock.move(2 * SECOND);
      await current(bearer(bounded)).expect(401);
      latchkey.clock.move(400 * DAY);
      await current(bearer(endless)).expect(200);
    });

    it('SECURITY 58: its last activity is written at most once a minute', async () => {
      latchkey.clock.freeze();
      const { sessionId, token } = await latchkey.signIn(person);
      const stored = async () => {
        await writeActivity();
        const columns = 'last_activity_at AS "at", expires_at AS "expiresAt"';
        const [row] = await latchkey.sql<{ at: Date; expiresAt: Date }>(
          `SELECT ${columns} FROM sessions WHERE id = $1`,
          [sessionId],
        );
        return row!;
      };
      const opened = latchkey.clock.now();
      latchkey.clock.move(59 * SECOND);
      await current(bearer(token)).expect(200);
      expect((await stored()).at).toEqual(opened);
      latchkey.clock.move(SECOND);
      const { body } = await current(bearer(token)).expect(200);
      const now = latchkey.clock.now();
      expect(Date.parse(body.data.attributes.last_activity_at)).toBe(now.getTime());
      expect(await stored()).toEqual({ at: now, expiresAt: new Date(now.getTime() + 14 * DAY) });
    });
  });

  describe('never shown where it should not be', () => {
    it('SECURITY 56: no cache may keep an answer that holds one', async () => {
      const careful = await asCareful(latchkey);
      const pending = await latchkey.signIn(careful);
      const otp = latchkey.codeNow(careful.secret);
      const signIn = document('sessions', { email: person.email, password: person.password });
      const machine = document('sessions', { name: 'robot' });
      const { token } = await latchkey.signIn(person);
      const answers = [
        await latchkey.post(PATH, null, signIn).expect(201),
        await latchkey.get(PATH, token).expect(200),
        await latchkey.get(CURRENT, token).expect(200),
        await latchkey.post(`${PATH}/machine`, token, machine).expect(201),
        await latchkey.post(`${PATH}/jwt`, token).expect(201),
        await validateOtp(latchkey, pending.sessionId, { otp }).expect(200),
      ];
      for (const { headers } of answers) expect(headers['cache-control']).toBe('no-store');
    });

    it('SECURITY 57: no refusal repeats a token or a password', async () => {
      const secret = 'SENTINEL-4711';
      const signIn = (email: unknown, password: unknown) =>
        latchkey.post(PATH, null, document('sessions', { email, password, name: secret.repeat(40) }));
      const broken = () => latchkey.post(PATH, null).set('Content-Type', 'application/vnd.api+json');
      const answers = [
        await signIn('nobody@example.com', secret),
        await signIn(secret, [secret]),
        await broken().send(`{"data": {"password": "${secret}" `),
        await broken().send(`{"${secret}": 1, "${secret}": 2}`),
        await current({ 'X-Auth-Token': secret }),
        await current({ 'X-Auth-Token': secret, ...bearer(`${secret}2`) }),
        await latchkey.get(`${CURRENT}?token=${secret}`, person.token),
        await latchkey.get(`${PATH}/${secret}`, person.token),
        await latchkey.get(`${PATH}?page[after]=${secret}`, person.token),
      ];
      for (const { status, text, headers } of answers) {
        expect(status).toBeGreaterThanOrEqual(400);
        expect(text + JSON.stringify(headers)).not.toContain(secret);
      }
    });
  });

  it('SECURITY 50: tokens are 128 random bits, of one form, in no order', async () => {
    const sent = document('sessions', { name: 'robot' });
    const minted = [];
    const { token } = await latchkey.signIn(person);
    for (let n = 0; n < 50; n++)
      minted.push((await latchkey.post(`${PATH}/machine`, token, sent).expect(201)).body);
    const tokens: string[] = minted.map(({ data }) => data.attributes.token);
    for (const one of tokens) expect(one).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(new Set(tokens).size).toBe(50);
    expect([...tokens].sort()).not.toEqual(tokens);
    const numbers = tokens.map((one) => BigInt(`0x${one.replaceAll('-', '')}`));
    for (let bit = 0n; bit < 128n; bit++) {
      const set = numbers.filter((number) => (number >> bit) & 1n).length;
      expect(set).toBeGreaterThan(0);
      expect(set).toBeLessThan(50);
    }
  });
});
