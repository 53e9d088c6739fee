import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Response, Test } from 'supertest';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, forgetAttempts, synchronise, validateOtp } from '../support/second-factor.js';
import {
  addPhone,
  askForCode,
  attempt,
  mailedCode,
  otherThan,
  startMailboxes,
  startVerification,
  type Mailboxes,
} from '../support/step-up.js';

const WIDE = { PASSWORD_CONCURRENCY: '8', DATABASE_POOL_SIZE: '20' };
let mailboxes: Mailboxes;
let first: Latchkey;
let second: Latchkey;
let person: SignedInPerson;

beforeAll(async () => {
  mailboxes = await startMailboxes();
  first = await Latchkey.start({ ...WIDE, ...mailboxes.settings });
  second = await Latchkey.start({ ...WIDE, ...mailboxes.settings }, first);
});
afterAll(async () => {
  await second.stop();
  await first.stop();
  await mailboxes.stop();
});
beforeEach(async () => {
  person = await first.asUser();
  synchronise(second, first);
});

/** Sends so many at once, by turns to both instances. */
function atOnce(count: number, call: (instance: Latchkey, index: number) => Test): Promise<Response[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index % 2 ? second : first, index)));
}

function won(responses: readonly Response[]): number {
  for (const { status } of responses) expect([200, 201, 409, 422, 429, 503]).toContain(status);
  return responses.filter(({ status }) => status < 300).length;
}

async function opened(attributes: object, of: SignedInPerson = person): Promise<string> {
  const { body } = await startVerification(first, of, attributes).expect(201);
  return body.data.id;
}

async function versionOf({ sessionId }: SignedInPerson): Promise<number> {
  const [row] = await first.sql<{ version: number }>('SELECT version FROM sessions WHERE id = $1', [
    sessionId,
  ]);
  return row!.version;
}

const BY_MAIL = { level: 'first_factor', strategy: 'email_code' };

describe('proofs at once', () => {
  it.each([1, 2, 3])(
    'SECURITY 26: of fifty calls with one code one wins, and stamps once (round %d)',
    async () => {
      const id = await opened(BY_MAIL);
      const before = await versionOf(person);
      const proof = { strategy: 'email_code', code: mailedCode(mailboxes, person.email) };
      const responses = await atOnce(50, (instance) => attempt(instance, person.token, id, proof));
      expect(won(responses)).toBe(1);
      expect(await versionOf(person)).toBe(before + 1);
      const { body } = await second.get(`/api/v2/verifications/${id}`, person.token).expect(200);
      expect(body.data.attributes.status).toBe('complete');
    },
  );

  it('SECURITY 27: one code of an authenticator app proves the second factor in one of four sessions', async () => {
    const careful = await asCareful(first);
    const sessions: SignedInPerson[] = [careful];
    for (const otp of careful.recoveryCodes.slice(0, 3)) {
      const pending = await first.signIn(careful);
      const { body } = await validateOtp(first, pending.sessionId, { otp }).expect(200);
      sessions.push({ ...careful, sessionId: pending.sessionId, token: body.data.attributes.token });
    }
    synchronise(second, first);
    const ids = await Promise.all(sessions.map((session) => opened({ level: 'second_factor' }, session)));
    const proof = { strategy: 'totp', code: first.codeNow(careful.secret) };
    const responses = await atOnce(16, (instance, index) =>
      attempt(instance, sessions[index % 4]!.token, ids[index % 4]!, proof),
    );
    expect(won(responses)).toBe(1);
  });

  it('SECURITY 32: of a hundred guesses five are looked at', async () => {
    const id = await opened(BY_MAIL);
    const code = mailedCode(mailboxes, person.email);
    const wrong = { strategy: 'email_code', code: otherThan(code) };
    const responses = await atOnce(100, (instance) => attempt(instance, person.token, id, wrong));
    expect(won(responses)).toBe(0);
    expect(responses.filter(({ status }) => status === 422).length).toBeLessThanOrEqual(5);
    await forgetAttempts(first);
    await attempt(second, person.token, id, { strategy: 'email_code', code }).expect(409);
  });

  it('SECURITY 26: two right proofs of one step advance it once', async () => {
    const id = await opened(BY_MAIL);
    const before = await versionOf(person);
    const code = mailedCode(mailboxes, person.email);
    const responses = await atOnce(4, (instance, index) =>
      attempt(
        instance,
        person.token,
        id,
        index < 2 ? { strategy: 'password', password: PASSWORD } : { strategy: 'email_code', code },
      ),
    );
    expect(won(responses)).toBe(1);
    expect(await versionOf(person)).toBe(before + 1);
  });

  it('leaves no proof in a session that ends at that moment', async () => {
    for (let round = 0; round < 10; round++) {
      const mortal = { ...person, ...(await first.signIn(person)) };
      const id = await opened({ level: 'first_factor' }, mortal);
      const proof = { strategy: 'password', password: PASSWORD };
      const [proved, ended] = await Promise.all([
        attempt(second, mortal.token, id, proof),
        first.delete(`/api/v2/sessions/${mortal.sessionId}`, person.token),
      ]);
      expect(ended.status).toBe(204);
      expect([200, 401, 404, 409]).toContain(proved.status);
      await second.get('/api/v2/sessions/current', mortal.token).expect(401);
    }
  });

  it('proves nothing by a code of before a change of the credentials, whichever comes first', async () => {
    for (let round = 0; round < 5; round++) {
      const mover = await first.asUser();
      const id = await opened(BY_MAIL, mover);
      const code = mailedCode(mailboxes, mover.email);
      const [proved] = await Promise.all([
        attempt(second, mover.token, id, { strategy: 'email_code', code }),
        addPhone(first, mover),
      ]);
      expect([200, 409]).toContain(proved.status);
      await attempt(second, mover.token, id, { strategy: 'email_code', code }).expect(409);
    }
  });
});

describe('openings and sendings at once', () => {
  it('leaves one verification open of twenty that are begun', async () => {
    const responses = await atOnce(20, (instance) =>
      startVerification(instance, person, { level: 'first_factor' }),
    );
    expect(won(responses)).toBe(20);
    const rows = await first.sql<{ status: string }>(
      'SELECT status FROM verifications WHERE session_id = $1 ORDER BY status',
      [person.sessionId],
    );
    expect(rows.map(({ status }) => status)).toEqual(['needs_first_factor', ...Array(19).fill('replaced')]);
  });

  it('SECURITY 37, 143: of twenty that ask for a code one gets it, and it is good', async () => {
    const responses = await atOnce(20, (instance) => startVerification(instance, person, BY_MAIL));
    expect(won(responses)).toBe(1);
    expect(
      mailboxes.mail.received.filter(({ recipients }) => recipients.includes(person.email)),
    ).toHaveLength(1);
    const { id } = responses.find(({ status }) => status === 201)!.body.data;
    const proof = { strategy: 'email_code', code: mailedCode(mailboxes, person.email) };
    await attempt(second, person.token, id, proof).expect(200);
  });

  it('SECURITY 32: a new code for the same verification gives back no try', async () => {
    const id = await opened(BY_MAIL);
    for (let n = 0; n < 4; n++) {
      const wrong = { strategy: 'email_code', code: otherThan(mailedCode(mailboxes, person.email)) };
      await attempt(first, person.token, id, wrong).expect(422);
    }
    first.clock.move(30_000);
    synchronise(second, first);
    await askForCode(second, person.token, id, 'email_code').expect(200);
    const code = mailedCode(mailboxes, person.email);
    const responses = await atOnce(10, (instance) =>
      attempt(instance, person.token, id, { strategy: 'email_code', code: otherThan(code) }),
    );
    expect(responses.filter(({ status }) => status === 422)).toHaveLength(1);
    await attempt(first, person.token, id, { strategy: 'email_code', code }).expect(409);
  });

  it('SECURITY 86: machine tokens are minted by as many callers as there is proof for, none after', async () => {
    const mint = (instance: Latchkey) =>
      instance.post('/api/v2/sessions/machine', person.token, document('sessions', { name: 'ci' }));
    const stale =
      "UPDATE sessions SET first_factor_verified_at = first_factor_verified_at - interval '1 hour' WHERE id = $1";
    const [answers] = await Promise.all([atOnce(30, mint), first.sql(stale, [person.sessionId])]);
    for (const { status } of answers) expect([201, 403]).toContain(status);
    for (const { status } of await atOnce(10, mint)) expect(status).toBe(403);
    const rows = await first.sql('SELECT FROM sessions WHERE user_id = $1 AND machine', [person.id]);
    expect(rows).toHaveLength(answers.filter(({ status }) => status === 201).length);
  });
});
