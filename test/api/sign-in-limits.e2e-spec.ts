import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import bcrypt from 'bcrypt';
import type { Response } from 'supertest';
import { document, Latchkey, PASSWORD, type Person } from '../support/latchkey.js';
import { forgetAttempts } from '../support/second-factor.js';

let latchkey: Latchkey;
/** A second instance on the same database. */
let beside: Latchkey;
/** One that trusts no proxy. */
let bare: Latchkey;
let person: Person;
let addresses = 0;

beforeAll(async () => {
  latchkey = await Latchkey.start({ TRUST_PROXY: 'loopback' });
  beside = await Latchkey.start({ TRUST_PROXY: 'loopback' }, latchkey);
  bare = await Latchkey.start({}, latchkey);
});
afterAll(async () => {
  await bare.stop();
  await beside.stop();
  await latchkey.stop();
});
beforeEach(async () => {
  person = await latchkey.addUser();
  await forgetAttempts(latchkey);
});

const newAddress = () => `203.0.113.${(++addresses % 250) + 1}`;

function signIn(email: string, password: string, from: string, by = latchkey) {
  const body = document('sessions', { email, password });
  return by.post('/api/v2/sessions', null, body).set('X-Forwarded-For', from);
}

async function fail(times: number, email: string, from: string, by = latchkey): Promise<void> {
  for (let tries = 0; tries < times; tries++) await signIn(email, 'not the password', from, by).expect(401);
}

/** Tries so many addresses once each, from one place; a few at a time, or the line for hashing would be full. */
async function spray(times: number, from: string): Promise<Response[]> {
  const answers: Response[] = [];
  for (let tried = 0; tried < times; tried += 20) {
    const batch = Array.from({ length: Math.min(20, times - tried) }, (_, n) =>
      signIn(`spray${tried + n}@example.com`, PASSWORD, from).then((answer) => answer),
    );
    answers.push(...(await Promise.all(batch)));
  }
  return answers;
}

/** A whole answer, but for what differs from one to the next by nature. */
function answerOf({ status, headers, text }: Response): object {
  const own = Object.entries(headers as Record<string, string>)
    .filter(([name]) => name !== 'date' && name !== 'x-request-id')
    .map(([name, value]) => [name, name === 'retry-after' ? 'some' : value]);
  return { status, text, headers: Object.fromEntries(own) as object };
}

const count = (answers: readonly Response[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

describe('429', () => {
  it('SECURITY 16: after ten wrong passwords for one address from one place not even the right one is looked at', async () => {
    const from = newAddress();
    const standing = await latchkey.signIn(person);
    await fail(10, person.email, from);
    const compared = jest.spyOn(bcrypt, 'compare');
    const refused = await signIn(person.email, PASSWORD, from).expect(429);
    expect(compared).not.toHaveBeenCalled();
    compared.mockRestore();
    expect(refused.body.errors).toMatchObject([{ status: '429', code: 'too_many_requests' }]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(900);

    await latchkey.get('/api/v2/sessions/current', standing.token).expect(200);
    await signIn(person.email, PASSWORD, newAddress()).expect(201);
    const neighbour = await latchkey.addUser();
    await signIn(neighbour.email, PASSWORD, from).expect(201);
  });

  it('SECURITY 16: nothing about a request passes for another guesser: case, forwarded addresses, agents, extras', async () => {
    const answers: Response[] = [];
    for (let burst = 0; burst < 5; burst++) {
      const tries = Array.from({ length: 20 }, (_, n) => {
        const email = n % 2 ? person.email.toUpperCase() : person.email;
        const body = document('sessions', { email, password: `wrong ${burst} ${n}`, extra: n });
        return bare
          .post('/api/v2/sessions', null, body)
          .set('X-Forwarded-For', newAddress())
          .set('User-Agent', `Guesser/${n}`)
          .then((answer) => answer);
      });
      answers.push(...(await Promise.all(tries)));
    }
    expect([count(answers, 401), count(answers, 429)]).toEqual([10, 90]);
    await bare
      .post('/api/v2/sessions', null, document('sessions', { email: person.email, password: PASSWORD }))
      .expect(429);
  });

  it('SECURITY 17: one place may fail a hundred times over all addresses, and then gets nowhere at all', async () => {
    const from = newAddress();
    const answers = await spray(110, from);
    expect([count(answers, 401), count(answers, 429)]).toEqual([100, 10]);
    await signIn(person.email, PASSWORD, from).expect(429);
    await signIn(person.email, PASSWORD, newAddress()).expect(201);

    const rows = () => latchkey.sql('SELECT count(*) FROM attempts');
    const before = await rows();
    await spray(20, from);
    expect(await rows()).toEqual(before); // whatever it tries next takes no room
  });

  it('SECURITY 17: one address may be tried wrongly a hundred times from all places', async () => {
    const places = Array.from({ length: 10 }, newAddress);
    await Promise.all(places.map((from) => fail(10, person.email, from)));
    await signIn(person.email, PASSWORD, newAddress()).expect(429);
    const neighbour = await latchkey.addUser();
    await signIn(neighbour.email, PASSWORD, newAddress()).expect(201);
  });

  it('SECURITY 2, 3: counts known, unknown, closed and malformed addresses alike, to the byte', async () => {
    const closed = await latchkey.addUser();
    await latchkey.sql(`UPDATE users SET status = 'closed' WHERE id = $1`, [closed.id]);
    const passwordless = await latchkey.addUser({ password: null });
    const emails = [
      person.email,
      'nobody@example.com',
      closed.email,
      passwordless.email,
      'no address at all',
    ];
    const stories = await Promise.all(
      emails.map(async (email) => {
        const from = newAddress();
        const answers: object[] = [];
        for (let tries = 0; tries < 12; tries++)
          answers.push(answerOf(await signIn(email, 'not the password', from)));
        return answers;
      }),
    );
    for (const story of stories) expect(story).toEqual(stories[0]);
    expect(stories[0]?.map((answer) => (answer as { status: number }).status)).toEqual([
      ...Array<number>(10).fill(401),
      429,
      429,
    ]);
  });

  it('SECURITY 17, 20: what is typed as an address is no name of another counter: it is refused, and counted', async () => {
    const [one, other] = [newAddress(), newAddress()];
    await fail(10, `from ${one}`, one);
    await signIn(`from ${one}`, 'not the password', one).expect(429);
    await signIn(person.email, PASSWORD, one).expect(201);
    await forgetAttempts(latchkey);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        n % 2 ? signIn(`from ${one}`, 'x', other) : signIn(`from ${other}`, 'x', one),
      ),
    );
    expect(count(answers, 401)).toBe(10); // none waits for another in a circle
  });

  it('SECURITY 16: no text shuts out somebody else at their address', async () => {
    const theirs = newAddress();
    await fail(10, `${person.email} from ${theirs}`, newAddress());
    await fail(9, person.email, theirs);
    await signIn(person.email, PASSWORD, theirs).expect(201);
  });

  it('SECURITY 16: all of an IPv6 /64 is one place, and the next one another', async () => {
    for (let tries = 0; tries < 10; tries++) await fail(1, person.email, `2001:db8:0:1::${tries}`);
    await signIn(person.email, PASSWORD, '2001:db8:0:1:ffff:ffff:ffff:ffff').expect(429);
    await signIn(person.email, PASSWORD, '2001:db8:0:2::1').expect(201);
  });

  it('SECURITY 16: a count below nothing, as the version before could leave, is nothing', async () => {
    const from = newAddress();
    await fail(1, person.email, from);
    await latchkey.sql('UPDATE attempts SET points = -5');
    await fail(10, person.email, from);
    await signIn(person.email, PASSWORD, from).expect(429);
  });

  it('SECURITY 18: the right password works once the window has passed', async () => {
    const from = newAddress();
    await fail(10, person.email, from);
    await signIn(person.email, PASSWORD, from).expect(429);
    await forgetAttempts(latchkey);
    await signIn(person.email, PASSWORD, from).expect(201);
  });

  it('SECURITY 18: the window does not grow by what is tried while it is shut', async () => {
    const from = newAddress();
    await fail(10, person.email, from);
    const shutUntil = () => latchkey.sql('SELECT key, expire FROM attempts WHERE points >= 10 ORDER BY key');
    const before = await shutUntil();
    expect(before.length).toBeGreaterThan(0);
    for (let tries = 0; tries < 5; tries++) await signIn(person.email, PASSWORD, from).expect(429);
    expect(await shutUntil()).toEqual(before);
  });

  it('SECURITY 16: whoever is kept out from one place shuts nobody out from another', async () => {
    const from = newAddress();
    await fail(10, person.email, from);
    for (let tries = 0; tries < 120; tries++)
      await signIn(person.email, 'not the password', from).expect(429);
    await signIn(person.email, PASSWORD, newAddress()).expect(201);
  });

  it('SECURITY 20: two instances keep one count', async () => {
    const from = newAddress();
    const answers = await Promise.all(
      [latchkey, beside].flatMap((by) =>
        Array.from({ length: 50 }, () =>
          signIn(person.email, 'not the password', from, by).then((answer) => answer),
        ),
      ),
    );
    expect([count(answers, 401), count(answers, 429)]).toEqual([10, 90]);
    for (const by of [latchkey, beside]) await signIn(person.email, PASSWORD, from, by).expect(429);
  });
});

describe('201', () => {
  it('SECURITY 18: a success forgets the failures for its address and place', async () => {
    const from = newAddress();
    for (let round = 0; round < 3; round++) {
      await fail(9, person.email, from);
      await signIn(person.email, PASSWORD, from).expect(201);
    }
    await fail(10, person.email, from);
    await signIn(person.email, PASSWORD, from).expect(429);
  });

  it('SECURITY 17: a success does not let the same place go on spraying', async () => {
    const from = newAddress();
    expect(count(await spray(100, from), 401)).toBe(100);
    await signIn(person.email, PASSWORD, from).expect(429);
    await forgetAttempts(latchkey);
    expect(count(await spray(99, from), 401)).toBe(99);
    await signIn(person.email, PASSWORD, from).expect(201);
    await fail(1, 'spray99@example.com', from);
    await signIn(person.email, PASSWORD, from).expect(429);
  });

  it('SECURITY 21: fifty right passwords for one account at once are no guesses', async () => {
    const from = newAddress();
    const standing = await latchkey.signIn(person);
    const [read, ...answers] = await Promise.all([
      latchkey.get('/api/v2/sessions', standing.token),
      ...Array.from({ length: 50 }, () => signIn(person.email, PASSWORD, from)),
    ]);
    expect(read?.status).toBe(200);
    expect(answers.every(({ status }) => status === 201 || status === 429)).toBe(true);
    const tokens = answers
      .filter(({ status }) => status === 201)
      .map(({ body }) => body.data.attributes.token);
    expect(tokens.length).toBeGreaterThanOrEqual(10);
    expect(new Set(tokens).size).toBe(tokens.length);
    const reads = await Promise.all(tokens.map((token) => beside.get('/api/v2/sessions/current', token)));
    expect(count(reads, 200)).toBe(tokens.length);
  });

  it('SECURITY 20: right and wrong ones for a few addresses from a few places at once are all answered', async () => {
    const people = await Promise.all(Array.from({ length: 3 }, () => latchkey.addUser()));
    const places = Array.from({ length: 3 }, newAddress);
    const answers = await Promise.all(
      [latchkey, beside].flatMap((by) =>
        places.flatMap((from) =>
          people.flatMap(({ email }) =>
            [PASSWORD, 'not the password'].map((password) => signIn(email, password, from, by)),
          ),
        ),
      ),
    );
    expect([count(answers, 201), count(answers, 401)]).toEqual([18, 18]); // none waited for another for good
  });
});

describe('503', () => {
  it('SECURITY 22: a full line is said at once, with when to come back, and counts as no failure', async () => {
    const narrow = await Latchkey.start(
      { PASSWORD_CONCURRENCY: '1', PASSWORD_QUEUE: '1', BCRYPT_COST: '10', TRUST_PROXY: 'loopback' },
      latchkey,
    );
    try {
      const people = await Promise.all(Array.from({ length: 20 }, () => latchkey.addUser()));
      const from = newAddress();
      const answers = await Promise.all(people.map(({ email }) => signIn(email, PASSWORD, from, narrow)));
      const refused = answers.filter(({ status }) => status === 503);
      expect(count(answers, 201) + refused.length).toBe(people.length);
      expect(refused.length).toBeGreaterThan(0);
      for (const { headers, body } of refused) {
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
        expect(body.errors).toMatchObject([{ status: '503', code: 'unavailable' }]);
      }
      const left = await latchkey.sql('SELECT key FROM attempts WHERE points > 0 AND expire > 0');
      expect(left).toEqual([]);
    } finally {
      await narrow.stop();
    }
  });
});
