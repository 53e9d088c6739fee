import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { lendix } from '../support/apis.js';
import { Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { sendRequest } from '../support/raw-client.js';

let latchkey: Latchkey;
let person: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start({
    PASSWORD_CONCURRENCY: '1',
    PASSWORD_QUEUE: '1',
    BCRYPT_COST: '10', // long enough for all to be there at once
  });
  person = await latchkey.asUser();
});
afterAll(() => latchkey.stop());

const credential = () => ({
  sessiontoken: person.token.replaceAll('-', ''),
  userid: toLendixId(person.id),
});
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Whatever went wrong is said as Lendix says it: one sentence, or one for each field, and nothing else. */
function expectLendixError(answer: { headers: Record<string, unknown>; body: unknown }): void {
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  const [[name, said]] = Object.entries(answer.body as object) as [[string, unknown]];
  expect(Object.keys(answer.body as object)).toHaveLength(1);
  const sentences = name === 'errors' ? Object.values(said as object) : [said];
  expect(['error', 'errors']).toContain(name);
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*[^ ]$/);
}

describe('400', () => {
  it.each([
    ['broken JSON', '{"email":'],
    ['a member twice', '{"email":"a","email":"b"}'],
    ['JSON as deep as it is long', '['.repeat(30_000)],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a byte order mark', '\ufeff{}'],
    ['a text', '"hello"'],
    ['null', 'null'],
    ['a number', '1'],
  ])('a body of %s', async (_, body) => {
    for (const path of ['/lendix/sessions', `/lendix/sessions/${toLendixId(person.sessionId)}`]) {
      const headers = { ...JSON_TYPE, ...credential() };
      const answer = await sendRequest(latchkey.url, { method: 'POST', path, headers, body });
      expect(answer.status).toBe(400);
      expectLendixError(answer);
    }
  });

  it('two tokens, or two users, that differ', async () => {
    for (const headers of [
      { sessionToken: [person.token, '0'.repeat(32)], userId: toLendixId(person.id) },
      { sessionToken: person.token, userId: [toLendixId(person.id), toLendixId('987654321')] },
    ]) {
      const answer = await sendRequest(latchkey.url, { path: '/lendix/sessions', headers });
      expect([answer.status, answer.body]).toEqual([400, { error: 'Two different credentials were sent.' }]);
    }
  });
});

describe('404', () => {
  it.each(['/lendix', '/lendix/', '/lendix/projects', '/lendix/sessions/a/b', '/LENDIX/x'])(
    'an address where nothing is: %s',
    async (path) => {
      const answer = await request(latchkey.url).get(path).expect(404);
      expect(answer.body).toEqual({ error: 'There is nothing at this address.' });
    },
  );

  it('everything, where FACES does not name it: in the native API’s words', async () => {
    const without = await Latchkey.start({ FACES: 'none' }, latchkey);
    try {
      const { body } = await lendix(without, 'get', '/sessions', {
        token: person.token,
        userId: person.id,
      }).expect(404);
      expect(body.errors[0].code).toBe('not_found');
    } finally {
      await without.stop();
    }
  });
});

describe('405', () => {
  it.each([
    ['put', '/lendix/sessions', 'GET, HEAD, OPTIONS, POST'],
    ['patch', '/lendix/sessions/1', 'DELETE, GET, HEAD, OPTIONS, POST'],
  ] as const)('%s %s', async (method, path, allow) => {
    const answer = await request(latchkey.url)[method](path).expect(405);
    expect(answer.headers.allow).toBe(allow);
    expectLendixError(answer);
  });
});

describe('413', () => {
  it('a body of more than 64 KiB', async () => {
    const body = { email: 'a'.repeat(70_000), password: 'x' };
    const answer = await lendix(latchkey, 'post', '/sessions', null, body).expect(413);
    expect(answer.body).toEqual({ error: 'The body is too large.' });
  });
});

describe('415', () => {
  it.each([
    ['a form', 'application/x-www-form-urlencoded', {}],
    ['a JSON:API document', 'application/vnd.api+json', {}],
    ['text', 'text/plain', {}],
    ['another charset', 'application/json; charset=utf-16', {}],
    ['a coding', 'application/json', { 'Content-Encoding': 'gzip' }],
  ])('%s', async (_, type, headers) => {
    const answer = await request(latchkey.url)
      .post('/lendix/sessions')
      .set({ 'Content-Type': type, ...headers })
      .send('email=a&password=b');
    expect([answer.status, answer.body]).toEqual([415, { error: 'Send the body as application/json.' }]);
  });
});

describe('503', () => {
  it('too many passwords at once, with when to come back', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        lendix(latchkey, 'post', '/sessions', null, {
          email: `busy${n}@example.com`,
          password: PASSWORD,
        }).then((answer) => answer),
      ),
    );
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const { body, headers } of refused) {
      expect(body).toEqual({ error: 'Too much is asked at this moment: try again soon.' });
      expect(headers['retry-after']).toBe('2');
    }
  });
});

describe('SECURITY 103, 109, 111: whatever is sent is answered in Lendix’s form, and by no 500', () => {
  const values = [null, true, -1, 1e308, '', '\0', '𝄞\ud834', 'x'.repeat(5_000), [], [[]], {}, { a: 1 }];
  it.each(['email', 'password', 'code', 'secured', 'codeOrigin', '__proto__', 'constructor'])(
    'in the member %s',
    async (name) => {
      for (const value of values) {
        const rest = { email: 'ada@example.com', password: 'x' };
        const body = `{${Object.entries({ ...rest, x: 0 })
          .filter(([member]) => member !== name)
          .map(([member, one]) => `"${member}":${JSON.stringify(one)}`)
          .join(',')},"${name}":${JSON.stringify(value)}}`;
        for (const path of ['/lendix/sessions', `/lendix/sessions/${toLendixId(person.sessionId)}`]) {
          const headers = { ...JSON_TYPE, ...credential() };
          const answer = await sendRequest(latchkey.url, { method: 'POST', path, headers, body });
          expect([400, 401, 429]).toContain(answer.status);
          expectLendixError(answer);
        }
      }
    },
  );

  it.each(['__proto__', 'constructor', 'toString', 'limit', 'after'])(
    'in the query parameter %s',
    async (name) => {
      for (const query of [
        `${name}=1&${name}=2`,
        `${name}[a]=%F0%9D%84%9E`,
        `${name}[]`,
        `${name}=%ED%A0%B4`,
      ]) {
        const path = `/lendix/sessions?${query}`;
        const answer = await sendRequest(latchkey.url, { path, headers: credential() });
        expect([200, 400]).toContain(answer.status);
        if (answer.status === 400) expectLendixError(answer);
      }
    },
  );
});
