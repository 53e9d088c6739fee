import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import bcrypt from 'bcrypt';
import { document, JSON_API, Latchkey, PASSWORD, type Person } from '../support/latchkey.js';
import { GOOD_PASSWORDS } from '../support/proofs.js';
import { UNAUTHENTICATED } from '../support/refusals.js';
import { countStatements } from '../support/statements.js';

const COST = 6; // two above the lowest, so that there can be an older, cheaper hash
let latchkey: Latchkey;
let people = 0;
const compared = jest.spyOn(bcrypt, 'compare');
const statements = countStatements();

beforeAll(async () => {
  latchkey = await Latchkey.start({ BCRYPT_COST: String(COST), TRUST_PROXY: 'loopback' });
});
afterAll(async () => {
  await latchkey?.stop();
  statements.restore();
});
beforeEach(() => void jest.clearAllMocks());

/** Signs in from an address of its own, so that no limit of another test is in the way. */
function signIn(email: unknown, password: unknown) {
  const address = `198.51.${Math.floor(++people / 250)}.${(people % 250) + 1}`;
  return latchkey
    .post('/api/v2/sessions', null, document('sessions', { email, password }))
    .set('X-Forwarded-For', address);
}

async function personWithHashOfCost(cost: number): Promise<Person> {
  const person = await latchkey.addUser();
  const hash = await bcrypt.hash(PASSWORD, cost);
  await latchkey.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [person.id, hash]);
  return person;
}

async function closed(): Promise<Person> {
  const person = await latchkey.addUser();
  await latchkey.sql(`UPDATE users SET status = 'closed' WHERE id = $1`, [person.id]);
  return person;
}

async function careful(): Promise<Person> {
  const person = await latchkey.asUser();
  await latchkey.enableTwoFactor(person);
  return person;
}

/** What a refused sign-in costs: the hashing in units of one cost-0 comparison, and how often PostgreSQL is asked. */
async function effortOf(email: string, password: string): Promise<{ hashing: number; statements: number }> {
  jest.clearAllMocks();
  const asked = await statements.during(async () => {
    const { body } = await signIn(email, password).expect(401);
    expect(body).toEqual(UNAUTHENTICATED);
  });
  const hashing = compared.mock.calls.reduce((sum, [, hash]) => sum + 2 ** bcrypt.getRounds(hash), 0);
  return { hashing, statements: asked };
}

describe('a refused sign-in', () => {
  const cases: readonly (readonly [string, () => Promise<readonly [string, string]>])[] = [
    ['an unknown address', () => Promise.resolve(['nobody@example.com', PASSWORD])],
    ['a closed user', async () => [(await closed()).email, PASSWORD]],
    ['a user without a password', async () => [(await latchkey.addUser({ password: null })).email, PASSWORD]],
    ['a user with a second factor', async () => [(await careful()).email, 'not the password']],
    ['another letter case', async () => [(await latchkey.addUser()).email.toUpperCase(), 'not the password']],
    ['a malformed address', () => Promise.resolve(['no address at all', PASSWORD])],
    ['an address that could pass for another', () => Promise.resolve(['\u212aelvin@example.com', PASSWORD])],
    [
      'an over-long password',
      async () => [(await latchkey.addUser()).email, `${PASSWORD}${'x'.repeat(60_000)}`],
    ],
    ['a password with a NUL', async () => [(await latchkey.addUser()).email, `${PASSWORD}\0`]],
    ['a password that is no Unicode', async () => [(await latchkey.addUser()).email, `${PASSWORD}\ud800`]],
    [
      'a hash of an older, lower cost',
      async () => [(await personWithHashOfCost(4)).email, 'not the password'],
    ],
  ];

  it.each(cases)(
    'SECURITY 3, 4, 5, 10: takes exactly the work of a wrong password for %s',
    async (_, make) => {
      const known = await latchkey.addUser();
      const expected = await effortOf(known.email, 'not the password');
      expect(expected.hashing).toBe(2 ** COST);
      expect(expected.statements).toBeGreaterThan(0);
      const [email, password] = await make();
      expect(await effortOf(email, password)).toEqual(expected);
    },
  );

  it('SECURITY 4: is one comparison for whatever has no hash', async () => {
    await signIn('nobody@example.com', PASSWORD).expect(401);
    expect(compared.mock.calls.map(([, hash]) => bcrypt.getRounds(hash))).toEqual([COST]);
  });
});

describe('a sign-in', () => {
  it('SECURITY 5: makes an older, cheaper hash anew at today’s cost', async () => {
    const person = await personWithHashOfCost(4);
    await signIn(person.email, 'not the password').expect(401);
    await signIn(person.email, PASSWORD).expect(201);
    const [row] = await latchkey.sql<{ password_hash: string }>(
      'SELECT password_hash FROM users WHERE id = $1',
      [person.id],
    );
    expect(bcrypt.getRounds(row!.password_hash)).toBe(COST);
    await signIn(person.email, PASSWORD).expect(201);
  });

  it.each(GOOD_PASSWORDS.filter(([what]) => what.startsWith('72 bytes')))(
    'SECURITY 8: reads the whole of a password of %s',
    async (_, password) => {
      const person = await latchkey.addUser({ password });
      for (const wrong of [
        `${password}x`,
        `${password}${password}`,
        password.slice(0, -2),
        `${password}\0`,
      ]) {
        await signIn(person.email, wrong).expect(401);
      }
      await signIn(person.email, password).expect(201);
    },
  );

  it('SECURITY 8: takes neither 72 bytes nor another tail for a longer password that another system hashed', async () => {
    const long = 'p'.repeat(80);
    const person = await latchkey.addUser();
    const hash = await bcrypt.hash(long, 4);
    await latchkey.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [person.id, hash]);
    await signIn(person.email, `${'p'.repeat(72)}qqqqqqqq`).expect(401);
    await signIn(person.email, long).expect(401);
  });

  it.each([
    ['full-width letters', (email: string) => email.replace('p', '\uff50')],
    ['a full-width at sign', (email: string) => email.replace('@', '\uff20')],
    ['a long s', (email: string) => email.replace('s', '\u017f')],
    ['a trailing dot', (email: string) => `${email}.`],
    ['a space before', (email: string) => ` ${email}`],
    ['a soft hyphen', (email: string) => email.replace('p', 'p\u00ad')],
    ['a wildcard', (email: string) => email.replace('p', '_')],
    ['a percent sign', () => '%'],
  ])('SECURITY 11: takes an address with %s for no other one', async (_, spell) => {
    const person = await latchkey.addUser();
    const { body } = await signIn(spell(person.email), PASSWORD).expect(401);
    expect(body).toEqual(UNAUTHENTICATED);
    await signIn(person.email, PASSWORD).expect(201);
  });

  it('SECURITY 11: tells the Kelvin sign and the dotted capital I from the letters they fold to', async () => {
    for (const [email, other] of [
      ['kelvin@example.com', '\u212aelvin@example.com'],
      ['istanbul@example.com', '\u0130stanbul@example.com'],
    ]) {
      await latchkey.addUser({ email: email! });
      await signIn(other, PASSWORD).expect(401);
      await signIn(email, PASSWORD).expect(201);
    }
  });

  it.each([
    "' OR '1'='1",
    "'||pg_sleep(3)||'",
    '*)(uid=*',
    'a@example.com\r\nBcc: all@example.com',
    '%',
    '\\',
  ])('SECURITY 14: finds nobody by %j', async (injection) => {
    await signIn(injection, PASSWORD).expect(401);
    await signIn((await latchkey.addUser()).email, injection).expect(401);
  });

  it('SECURITY 10: refuses a password of a megabyte by its size', async () => {
    const body = JSON.stringify(
      document('sessions', { email: 'a@example.com', password: 'x'.repeat(1_000_000) }),
    );
    const response = await fetch(`${latchkey.url}/api/v2/sessions`, {
      method: 'POST',
      headers: { 'Content-Type': JSON_API },
      body,
    });
    expect(response.status).toBe(413);
  });
});
