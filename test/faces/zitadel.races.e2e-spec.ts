import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Response } from 'supertest';
import { UsersService } from '../../src/users/users.service.js';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { lendix } from '../support/apis.js';
import { holdRows, sent } from '../support/held-rows.js';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, validateOtp } from '../support/second-factor.js';
import { asBackend, BACKEND_RIGHTS, ZitadelClient } from '../support/zitadel.js';

let first: Latchkey;
let second: Latchkey;
let one: ZitadelClient;
let two: ZitadelClient;
let backend: SignedInPerson;

beforeAll(async () => {
  first = await Latchkey.start();
  second = await Latchkey.start({}, first);
  [one, two] = [new ZitadelClient(first), new ZitadelClient(second)];
  backend = await asBackend(first);
});
afterAll(async () => {
  await second.stop();
  await first.stop();
});

const METADATA = { a: 'YQ==' };
const ROUNDS = [1, 2, 3, 4, 5];
const passwordOf = ({ password }: { password: string }) => ({ password: { password } });

/** Whether anything that was answered opens anything. */
async function opens(answers: readonly { body: { sessionToken?: string } }[]): Promise<boolean> {
  const tokens = answers.flatMap(({ body }) => body.sessionToken ?? []);
  const statuses = await Promise.all(tokens.map((token) => two.statusOf(token)));
  return statuses.includes(200);
}

describe('a session that is set while it ends', () => {
  it.each(ROUNDS)('opens nothing once its end was answered, under whichever token (round %d)', async () => {
    const user = await first.asUser();
    const [ended, ...set] = await Promise.all([
      sent(second.delete(`/api/v2/sessions/${user.sessionId}`, user.token)),
      sent(one.set(user.sessionId, user.token, { metadata: METADATA })),
      sent(one.set(user.sessionId, user.token, { checks: passwordOf(user) })),
    ]);
    expect([204, 401]).toContain(ended.status); // 401: the token was replaced before
    expect(await opens(set)).toBe(ended.status === 401);
  });

  it.each(ROUNDS)('is not brought to life by a password and a code that come late (round %d)', async () => {
    const careful = await asCareful(first);
    const { sessionId } = await one.name(backend.token, careful);
    const checks = { ...passwordOf(careful), totp: { code: first.codeNow(careful.secret) } };
    const [, ...set] = await Promise.all([
      sent(two.delete(sessionId, backend.token)),
      sent(one.set(sessionId, backend.token, { checks })),
    ]);
    expect(await opens(set)).toBe(false);
  });

  it('is ended also when it is proved at that moment', async () => {
    const careful = await asCareful(first);
    const { sessionId } = await one.name(backend.token, careful);
    const held = await holdRows(first, 'LOCK TABLE events IN EXCLUSIVE MODE', []); // written last
    const checks = { ...passwordOf(careful), totp: { code: first.codeNow(careful.secret) } };
    const proved = sent(one.set(sessionId, backend.token, { checks }));
    await held.untilWaiting(1);
    const ended = sent(two.delete(sessionId, backend.token));
    await held.untilWaiting(2);
    await held.release();
    expect([(await proved).status, (await ended).status]).toEqual([200, 200]);
    expect(await opens([await proved])).toBe(false);
  });

  it('is bounded as its opener bounded it while its code was looked at', async () => {
    const careful = await asCareful(first);
    const { sessionId } = await one.name(backend.token, careful);
    const held = await holdRows(first, 'SELECT FROM otp_enrollments WHERE id = $1 FOR UPDATE', [
      careful.enrollmentId,
    ]);
    const proved = sent(validateOtp(first, sessionId, { otp: first.codeNow(careful.secret) }));
    await held.untilWaiting(1);
    await one.set(sessionId, backend.token, { lifetime: '60s' }).expect(200);
    await held.release();
    expect((await proved).status).toBe(200);
    const { token } = (await proved).body.data.attributes;
    expect(await one.statusOf(token as string)).toBe(200);
    first.clock.move(61_000);
    expect(await one.statusOf(token as string)).toBe(401);
    first.clock.move(-61_000);
  });

  it('is not proved under a token that is replaced while its code is looked at', async () => {
    const careful = await asCareful(first);
    const named = await one.create(backend.token, {
      checks: { user: { userId: careful.id }, ...passwordOf(careful) },
    });
    const { sessionId, sessionToken: token } = named.body;
    const held = await holdRows(first, 'SELECT FROM otp_enrollments WHERE id = $1 FOR UPDATE', [
      careful.enrollmentId,
    ]);
    const seat = { token: token as string, userId: careful.id };
    const code = { code: first.codeNow(careful.secret) };
    const proved = sent(lendix(first, 'post', `/sessions/${toLendixId(sessionId)}`, seat, code));
    await held.untilWaiting(1);
    await two.set(sessionId, backend.token, { metadata: METADATA }).expect(200);
    await held.release();
    expect((await proved).status).toBe(401);
  });

  it('is not opened by a token that is replaced while the request waits', async () => {
    const { email, password, id } = await first.addUser({ rights: BACKEND_RIGHTS });
    const draft = document('sessions', { email, password, refreshable: true });
    const { data, meta } = (await first.post('/api/v2/sessions', null, draft).expect(201)).body;
    const { token } = data.attributes;
    const held = await holdRows(first, 'SELECT FROM users WHERE id = $1 FOR UPDATE', [id]);
    const created = sent(one.create(token, { checks: { user: { userId: id } } }));
    const minted = sent(first.post('/api/v2/sessions/machine', token, document('sessions', { name: 'x' })));
    await held.untilWaiting(2);
    await second.post('/api/v2/sessions/refresh', token, document('sessions', meta)).expect(200);
    await held.release();
    expect([(await created).status, (await minted).status]).toEqual([401, 401]);
  });

  it('is not set by a session that ended while the request waited', async () => {
    const app = await asBackend(first);
    const user = await first.asUser();
    const { sessionId, sessionToken } = await one.open(app.token, user);
    const held = await holdRows(first, 'SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
    const set = sent(one.set(sessionId, app.token, { metadata: METADATA }));
    const created = sent(one.create(app.token, { checks: { user: { userId: user.id } } }));
    await held.untilWaiting(2);
    await second.delete(`/api/v2/sessions/${app.sessionId}`, app.token).expect(204);
    await held.release();
    expect([(await set).status, (await created).status]).toEqual([401, 401]);
    expect(await two.statusOf(sessionToken)).toBe(200);
  });

  it('is not set by someone whose right went while the request waited', async () => {
    const user = await first.asUser();
    const app = await asBackend(first); // of a later id: its row is locked after the user's
    const { sessionId, sessionToken } = await one.open(app.token, user);
    const held = await holdRows(first, 'SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
    const set = sent(one.set(sessionId, app.token, { metadata: METADATA }));
    const created = sent(one.create(app.token, { checks: { user: { userId: user.id } } }));
    await held.untilWaiting(2);
    await first.sql(`UPDATE users SET rights = '{session.read}' WHERE id = $1`, [app.id]);
    await held.release();
    expect([(await set).status, (await created).status]).toEqual([403, 403]);
    expect(await two.statusOf(sessionToken)).toBe(200);
  });
});

describe('credentials that change meanwhile', () => {
  it.each(ROUNDS)('leave no session open that rests on the old ones (round %d)', async () => {
    const user = await first.asUser();
    const change = document(
      'users',
      { password: 'another long phrase', current_password: user.password },
      { id: user.id },
    );
    const checks = { user: { userId: user.id }, ...passwordOf(user) };
    const [changed, ...created] = await Promise.all([
      sent(second.patch(`/api/v2/users/${user.id}`, user.token, change)),
      ...Array.from({ length: 4 }, () => sent(one.create(backend.token, { checks }))),
    ]);
    expect(changed.status).toBe(200);
    expect(created.filter(({ status }) => ![201, 400, 409].includes(status))).toEqual([]);
    expect(await opens(created)).toBe(false);
  });

  it.each<[string, (checks: object) => Promise<Response>]>([
    ['opened', async (checks) => one.create(backend.token, { checks })],
    [
      'set',
      async (checks) => {
        const { sessionId } = (await one.create(backend.token).expect(201)).body;
        return one.set(sessionId, backend.token, { checks });
      },
    ],
  ])('prove nothing of who was named by an address that is theirs no more (%s)', async (_, compose) => {
    const user = await first.asUser();
    const { id, token, email, password } = user;
    const moved = document('users', { email: `moved${id}@example.com`, current_password: password }, { id });
    const users = first.app.get(UsersService, { strict: false });
    const find = users.findByEmail.bind(users);
    const named = jest.spyOn(users, 'findByEmail').mockImplementationOnce(async (address) => {
      const found = await find(address);
      await second.patch(`/api/v2/users/${id}`, token, moved).expect(200);
      return found;
    });
    const composed = await compose({ user: { loginName: email }, ...passwordOf(user) });
    expect(composed.status).toBe(409);
    expect(named).toHaveBeenCalledTimes(1);
    named.mockRestore();
  });
});

describe('many at once', () => {
  it('set one session in turn: each gets a token, and the last one is the session’s', async () => {
    const { sessionId } = await one.open(backend.token, await first.addUser());
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
    const answers = await Promise.all(
      keys.map((key, n) =>
        sent((n % 2 ? one : two).set(sessionId, backend.token, { metadata: { [key]: 'YQ==' } })),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    const statuses = await Promise.all(answers.map(({ body }) => two.statusOf(body.sessionToken)));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    const { session } = (await one.get(sessionId, backend.token).expect(200)).body;
    expect(Object.keys(session.metadata).sort()).toEqual(keys.sort()); // no change was lost
    expect(session.sequence).toBe('21');
  });

  it('name a session that was nobody’s: it is one person’s', async () => {
    const people = await Promise.all([1, 2, 3, 4].map(() => first.addUser()));
    const { sessionId } = (await one.create(backend.token).expect(201)).body;
    const answers = await Promise.all(
      people.map((person, n) =>
        sent((n % 2 ? one : two).set(sessionId, backend.token, { checks: { user: { userId: person.id } } })),
      ),
    );
    const won = answers.flatMap(({ status }, n) => (status === 200 ? [people[n]!.id] : []));
    expect(won).toHaveLength(1);
    expect(answers.filter(({ status }) => ![200, 400, 409].includes(status))).toEqual([]);
    const { session } = (await one.get(sessionId, backend.token).expect(200)).body;
    expect(session.factors.user.id).toBe(won[0]);
  });

  it('open, set and end sessions across each other without one standing in another’s way', async () => {
    const user = await first.asUser();
    const admin = await first.asAdmin();
    const opened = await Promise.all(Array.from({ length: 6 }, () => one.open(backend.token, user)));
    const work = opened.flatMap(({ sessionId, sessionToken }, n) => [
      sent((n % 2 ? one : two).set(sessionId, backend.token, { metadata: METADATA })),
      sent((n % 2 ? two : one).set(sessionId, admin.token, { lifetime: '3600s' })),
      sent(one.set(sessionId, sessionToken, { checks: passwordOf(user) })),
      sent(two.search(admin.token)),
      sent(n % 3 ? one.get(sessionId, backend.token) : two.delete(sessionId, admin.token)),
    ]);
    const statuses = (await Promise.all(work)).map(({ status }) => status);
    expect(statuses.filter((status) => ![200, 400, 401, 404].includes(status))).toEqual([]);
  });
});
