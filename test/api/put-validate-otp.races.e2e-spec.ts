import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { Latchkey } from '../support/latchkey.js';
import { TOO_MANY_CODES, UNAUTHENTICATED } from '../support/refusals.js';
import {
  asCareful,
  forgetAttempts,
  synchronise,
  validateOtp,
  wrongCode,
  type Careful,
} from '../support/second-factor.js';

/** So many password checks at once that codes really are looked at side by side. */
const WIDE = { PASSWORD_CONCURRENCY: '8', DATABASE_POOL_SIZE: '20' };
let first: Latchkey;
let second: Latchkey;
/** Started before the second: passport, a global of the process, speaks for the newest instance. */
let mortal: Latchkey | null;
let user: Careful;

beforeAll(async () => {
  first = await Latchkey.start(WIDE);
  mortal = await Latchkey.start(WIDE, first);
  second = await Latchkey.start(WIDE, first);
});
afterAll(async () => {
  await mortal?.stop();
  await second.stop();
  await first.stop();
});
beforeEach(async () => {
  user = await asCareful(first);
  synchronise(second, first);
});

/** Sends all of them at once, by turns to both instances. */
function atOnce(sessionIds: readonly string[], otp: (index: number) => string): Promise<Response[]> {
  return Promise.all(
    sessionIds.map((id, index) => validateOtp(index % 2 ? second : first, id, { otp: otp(index) })),
  );
}

async function pendingSessions(count: number): Promise<string[]> {
  const sessions = await Promise.all(Array.from({ length: count }, () => first.signIn(user)));
  return sessions.map(({ sessionId }) => sessionId);
}

function winners(responses: readonly Response[]): Response[] {
  for (const { status } of responses) expect([200, 401, 403, 422, 429, 503]).toContain(status);
  return responses.filter(({ status }) => status === 200);
}

describe('one code at once', () => {
  it.each([1, 2, 3])('SECURITY 26: of fifty calls with it on one session, one wins (round %d)', async () => {
    const session = await first.signIn(user);
    const otp = first.codeNow(user.secret);
    const won = winners(await atOnce(Array<string>(50).fill(session.sessionId), () => otp));
    expect(won).toHaveLength(1);
    const { token } = won[0]!.body.data.attributes;
    const current = await second.get('/api/v2/sessions/current', token).expect(200);
    expect(current.body.data).toMatchObject({ id: session.sessionId, attributes: { two_factor_auth: true } });
    await second.get('/api/v2/sessions', session.token).expect(401, UNAUTHENTICATED);
  });

  it.each([1, 2, 3])('SECURITY 27: on ten sessions, it opens at most one (round %d)', async () => {
    const sessionIds = await pendingSessions(10);
    const otp = first.codeNow(user.secret);
    expect(winners(await atOnce(sessionIds, () => otp))).toHaveLength(1);
    const rows = await first.sql(
      `SELECT id FROM sessions WHERE user_id = $1 AND status = 'active' AND id <> $2`,
      [user.id, user.sessionId],
    );
    expect(rows).toHaveLength(1);
  });

  it('SECURITY 42: a recovery code on twenty sessions opens at most one, and none later', async () => {
    const sessionIds = await pendingSessions(20);
    const otp = user.recoveryCodes[0]!;
    const responses = await atOnce(sessionIds, () => otp);
    expect(winners(responses)).toHaveLength(1);
    await forgetAttempts(first);
    const next = await first.signIn(user);
    await validateOtp(second, next.sessionId, { otp }).expect(422);
  });

  it.each([1, 2, 3])('opens one session once, by whichever of five right codes (round %d)', async () => {
    const [id] = await pendingSessions(1);
    const codes = [first.codeNow(user.secret), ...user.recoveryCodes.slice(0, 4)];
    const won = winners(await atOnce(Array<string>(5).fill(id!), (index) => codes[index]!));
    expect(won).toHaveLength(1);
    await forgetAttempts(first);
    const enrollment = await first
      .get(`/api/v2/otp_enrollments/${user.enrollmentId}`, user.token)
      .expect(200);
    // A code that opened nothing is not spent: at most one recovery code is gone.
    expect(enrollment.body.data.attributes.recovery_codes_left).toBeGreaterThanOrEqual(4);
  });
});

describe('429', () => {
  const guesses: [string, (index: number) => string][] = [
    ['SECURITY 32: of authenticator codes', () => wrongCode(first, user.secret)],
    [
      'SECURITY 34, 44: split over authenticator and recovery codes',
      (index) =>
        index % 2 ? wrongCode(first, user.secret) : `zzzz${String.fromCharCode(97 + (index % 20))}zzz`,
    ],
  ];
  it.each(guesses)('a hundred guesses %s lock every code of the account for a while', async (_, guess) => {
    const sessionIds = await pendingSessions(5);
    const responses = await atOnce(
      Array.from({ length: 100 }, (_, index) => sessionIds[index % 5]!),
      guess,
    );
    expect(winners(responses)).toEqual([]);
    expect(responses.filter(({ status }) => status === 422).length).toBeLessThanOrEqual(10);
    const locked = await first.signIn(user);
    for (const otp of [first.codeNow(user.secret), user.recoveryCodes[0]]) {
      const old = await validateOtp(first, sessionIds[0]!, { otp });
      expect([403, 429]).toContain(old.status);
      const refused = await validateOtp(first, locked.sessionId, { otp }).expect(429, TOO_MANY_CODES);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(900);
    }
    await first.get('/api/v2/sessions', user.token).expect(200); // standing sessions live on
    await forgetAttempts(first);
    const next = await first.signIn(user);
    await validateOtp(first, next.sessionId, { otp: first.codeNow(user.secret) }).expect(200);
  });

  it('SECURITY 33: the count is one for all instances, and outlives the one that counted', async () => {
    const counting = mortal!;
    synchronise(counting, first);
    for (const id of await pendingSessions(2)) {
      for (let n = 0; n < 5; n++) {
        await validateOtp(counting, id, { otp: wrongCode(first, user.secret) }).expect(422);
      }
    }
    await counting.stop();
    mortal = null;
    const next = await first.signIn(user);
    for (const instance of [first, second]) {
      const proof = { otp: first.codeNow(user.secret) };
      await validateOtp(instance, next.sessionId, proof).expect(429, TOO_MANY_CODES);
    }
  });

  it('SECURITY 32: a right code in between takes back no more than itself', async () => {
    for (const [wrong, expected] of [
      [4, 200],
      [4, 200],
      [2, 429],
    ] as const) {
      const { sessionId } = await first.signIn(user);
      for (let n = 0; n < wrong; n++) {
        await validateOtp(first, sessionId, { otp: wrongCode(first, user.secret) }).expect(422);
      }
      await validateOtp(first, sessionId, { otp: first.codeNow(user.secret) }).expect(expected);
      first.clock.move(30_000);
    }
  });
});
