import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { OPERATOR } from '../../src/caller.js';
import { UsersService } from '../../src/users/users.service.js';
import { holdRows, sent } from '../support/held-rows.js';
import { document, Latchkey, PASSWORD, type Credential, type SignedInPerson } from '../support/latchkey.js';
import { EMAILS_OF_NOBODY, GOOD_PASSWORDS, NO_PASSWORDS } from '../support/proofs.js';
import { FORBIDDEN, invalidAttribute, NOT_FOUND } from '../support/refusals.js';
import { forgetAttempts } from '../support/second-factor.js';

const NEW_PASSWORD = 'a brand new passphrase';
let latchkey: Latchkey;
let beside: Latchkey;
let person: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  beside = await Latchkey.start({}, latchkey);
});
afterAll(async () => {
  await beside.stop();
  await latchkey.stop();
});
beforeEach(async () => {
  person = await latchkey.asUser();
});

const patch = (id: string, attributes: object, token: string) =>
  latchkey.patch(`/api/v2/users/${id}`, token, document('users', attributes, { id }));
const patchSelf = (attributes: object) => patch(person.id, attributes, person.token);

async function signInStatus(email: string, password: string): Promise<number> {
  const { status } = await latchkey.post('/api/v2/sessions', null, document('sessions', { email, password }));
  return status;
}

async function mintMachine(token: string): Promise<string> {
  const body = document('sessions', { name: 'ci' });
  const minted = await latchkey.post('/api/v2/sessions/machine', token, body).expect(201);
  return minted.body.data.attributes.token;
}

async function mintJwt(token: string): Promise<string> {
  const minted = await latchkey.post('/api/v2/sessions/jwt?expires_in=3600', token).expect(201);
  return minted.body.jwt;
}

/** Whether credentials open anything, on both instances. */
async function alive(...tokens: string[]): Promise<boolean[]> {
  const answers = await Promise.all(
    tokens.map(async (token) => {
      const [here, there] = await Promise.all(
        [latchkey, beside].map((instance) => instance.get('/api/v2/sessions/current', token)),
      );
      expect(here?.status).toBe(there?.status);
      return here?.status === 200;
    }),
  );
  return answers;
}

/** The other credentials that a person holds. */
async function others(
  of: SignedInPerson,
): Promise<{ browser: Credential; browserJwt: string; machine: string }> {
  const browser = await latchkey.signIn(of);
  return { browser, browserJwt: await mintJwt(browser.token), machine: await mintMachine(of.token) };
}

describe('PATCH /users/:id', () => {
  describe('200', () => {
    it('changes what is sent and nothing else', async () => {
      await patchSelf({ first_name: 'Ada', locale: 'de-AT' }).expect(200);
      const { body } = await patchSelf({ first_name: null, time_zone: 'Europe/Vienna' }).expect(200);
      expect(body.data.attributes).toMatchObject({
        first_name: null,
        locale: 'de-AT',
        time_zone: 'Europe/Vienna',
        email: person.email,
      });
      expect(await signInStatus(person.email, PASSWORD)).toBe(201);
    });

    it('takes a model that ember-data sends whole, as it was read', async () => {
      const me = await latchkey.get('/api/v2/users/me', person.token).expect(200);
      const whole = { ...me.body.data.attributes, password: null, current_password: null, first_name: 'Ada' };
      const { body } = await patchSelf(whole).expect(200);
      expect(body.data.attributes).toMatchObject({ first_name: 'Ada', status: 'active', rights: [] });
      // A second tab that read before: `updated_at` has moved on meanwhile.
      await patchSelf({ ...whole, first_name: 'Augusta' }).expect(200);
      expect(await alive(person.token)).toEqual([true]);
    });

    it('lets user.write change others whose rights it has itself', async () => {
      const writer = await latchkey.asUser({ rights: ['user.read', 'user.write'] });
      const { body } = await patch(person.id, { first_name: 'Ada' }, writer.token).expect(200);
      expect(body.data.attributes.first_name).toBe('Ada');
    });

    it.each(GOOD_PASSWORDS)('SECURITY 9: takes a new password of %s', async (_, password) => {
      await patchSelf({ password, current_password: PASSWORD }).expect(200);
      expect(await signInStatus(person.email, password)).toBe(201);
      expect(await signInStatus(person.email, PASSWORD)).toBe(401);
    });

    it('takes the same address in other letters without a password: it is no new proof', async () => {
      const other = await latchkey.signIn(person);
      const { body } = await patchSelf({ email: person.email.toUpperCase() }).expect(200);
      expect(body.data.attributes.email).toBe(person.email.toUpperCase());
      expect(await alive(other.token)).toEqual([true]);
    });

    it.each([
      ['password', { password: NEW_PASSWORD }],
      ['e-mail address', { email: 'moved@example.com' }],
      ['telephone number', { phone_number: '+43 660 1234567' }],
    ])(
      'SECURITY 139: a new %s ends the other browser sessions and their JWTs on every instance; machine sessions stay',
      async (_, change) => {
        const { browser, browserJwt, machine } = await others(person);
        const ownJwt = await mintJwt(person.token);
        expect(await alive(browser.token, browserJwt, machine, person.token, ownJwt)).toEqual(
          Array(5).fill(true),
        );

        await patchSelf({ ...change, current_password: PASSWORD }).expect(200);

        expect(await alive(browser.token, browserJwt)).toEqual([false, false]);
        expect(await alive(machine, person.token, ownJwt)).toEqual([true, true, true]);
        const listed = await latchkey.get('/api/v2/sessions', person.token).expect(200);
        expect(listed.body.meta.total_count).toBe(2);
      },
    );

    it('SECURITY 139: an administrator who sets a password proves their own, and ends all browser sessions', async () => {
      const admin = await latchkey.asAdmin();
      const { browser, browserJwt, machine } = await others(person);
      await patch(person.id, { password: NEW_PASSWORD, current_password: PASSWORD }, admin.token).expect(200);
      expect(await alive(person.token, browser.token, browserJwt)).toEqual([false, false, false]);
      expect(await alive(machine, admin.token)).toEqual([true, true]);
      expect(await signInStatus(person.email, NEW_PASSWORD)).toBe(201);
    });

    it('ends a session that still owes its second factor, too', async () => {
      await latchkey.enableTwoFactor(person);
      const pending = await latchkey.signIn(person);
      await patchSelf({ password: NEW_PASSWORD, current_password: PASSWORD }).expect(200);
      await latchkey.delete(`/api/v2/sessions/${pending.sessionId}`, pending.token).expect(401);
    });
  });

  describe('403', () => {
    it.each([
      ['more rights', ['user.read', 'session.delete']],
      ['every right', ['*']],
    ])('cannot touch someone with %s than the caller', async (_, rights) => {
      const writer = await latchkey.asUser({ rights: ['user.read', 'user.write'] });
      const stronger = await latchkey.asUser({ rights });
      for (const change of [
        { first_name: 'Mallory' },
        { password: NEW_PASSWORD, current_password: PASSWORD },
        { email: 'mallory@example.com', current_password: PASSWORD },
      ]) {
        const { body } = await patch(stronger.id, change, writer.token).expect(403);
        expect(body).toEqual(FORBIDDEN);
      }
      expect(await signInStatus(stronger.email, PASSWORD)).toBe(201);
    });

    it('does not let user.read write', async () => {
      const reader = await latchkey.asUser({ rights: ['user.read'] });
      await patch(person.id, { first_name: 'Mallory' }, reader.token).expect(403);
    });
  });

  describe('404', () => {
    it.each([[[]], [['user.write']]])(
      'is somebody else to a caller who may not see them (%j)',
      async (rights) => {
        const caller = await latchkey.asUser({ rights });
        const foreign = await patch(person.id, { first_name: 'Mallory' }, caller.token).expect(404);
        const unknown = await patch('987654321', { first_name: 'Mallory' }, caller.token).expect(404);
        expect(foreign.body).toEqual(NOT_FOUND);
        expect(unknown.text).toBe(foreign.text);
      },
    );
  });

  describe('409', () => {
    it('refuses a document about another user than the path', async () => {
      const body = document('users', { first_name: 'Mallory' }, { id: '1' });
      await latchkey.patch(`/api/v2/users/${person.id}`, person.token, body).expect(409);
    });
  });

  describe('422', () => {
    it.each([
      ['rights', ['*']],
      ['rights', ['user.read']],
      ['status', 'closed'],
      ['two_factor_auth', true],
      ['created_at', '2020-01-01T00:00:00.000Z'],
      ['updated_at', '2999-01-01T00:00:00.000Z'],
    ])('SECURITY 74: %s cannot be set, even by an administrator on themselves: %j', async (name, value) => {
      const admin = await latchkey.asUser({ rights: ['user.read', 'user.write', 'session.read'] });
      for (const { id, token } of [person, { id: person.id, token: admin.token }]) {
        const { body } = await patch(id, { [name]: value }, token).expect(422);
        expect(body).toEqual(invalidAttribute(name, 'cannot be set'));
      }
      const me = await latchkey.get('/api/v2/users/me', person.token).expect(200);
      expect(me.body.data.attributes[name]).not.toEqual(value);
    });

    it.each([
      ['nothing', {}, "can't be blank"],
      ['null', { current_password: null }, "can't be blank"],
      ['an empty text', { current_password: '' }, "can't be blank"],
      ['a wrong one', { current_password: 'not the password' }, 'attribute is invalid'],
      ['a list', { current_password: [PASSWORD] }, 'attribute is invalid'],
    ])('asks for the current password, and %s is none', async (_, proof, detail) => {
      for (const change of [
        { password: NEW_PASSWORD },
        { email: `other-${person.email}` },
        { phone_number: '+43 660 1234567' },
      ]) {
        const { body } = await patchSelf({ ...change, ...proof }).expect(422);
        expect(body).toEqual(invalidAttribute('current_password', detail));
      }
      expect(await signInStatus(person.email, PASSWORD)).toBe(201);
    });

    it('asks an administrator for their own password, not the other’s', async () => {
      const { email } = await latchkey.addUser({ rights: ['*'], password: 'an administrator' });
      const admin = await latchkey.signIn({ email, password: 'an administrator' });
      const change = { password: NEW_PASSWORD, current_password: PASSWORD };
      const { body } = await patch(person.id, change, admin.token).expect(422);
      expect(body).toEqual(invalidAttribute('current_password'));
    });

    it.each(NO_PASSWORDS.filter(([, password]) => password !== null))(
      'SECURITY 9: refuses a new password of %s',
      async (_, password, detail) => {
        const { body } = await patchSelf({ password, current_password: PASSWORD }).expect(422);
        expect(body).toEqual(invalidAttribute('password', detail));
        expect(await signInStatus(person.email, PASSWORD)).toBe(201);
      },
    );

    it.each([...EMAILS_OF_NOBODY, ['nothing in it', ''], ['null', null]])(
      'SECURITY 11: refuses a new address with %s',
      async (_, email) => {
        const { body } = await patchSelf({ email, current_password: PASSWORD }).expect(422);
        expect(body.errors).toMatchObject([{ status: '422', source: { pointer: 'data/attributes/email' } }]);
      },
    );

    it('refuses an address that is taken, and changes nothing else that was sent', async () => {
      const neighbour = await latchkey.addUser();
      const { body } = await patchSelf({
        email: neighbour.email.toUpperCase(),
        password: NEW_PASSWORD,
        first_name: 'Mallory',
        current_password: PASSWORD,
      }).expect(422);
      expect(body).toEqual(invalidAttribute('email', 'has already been taken'));
      const me = await latchkey.get('/api/v2/users/me', person.token).expect(200);
      expect(me.body.data.attributes).toMatchObject({ first_name: null, email: person.email });
      expect(await signInStatus(person.email, PASSWORD)).toBe(201);
    });

    it('leaves the other sessions alone when the change is refused', async () => {
      const other = await latchkey.signIn(person);
      await patchSelf({ password: NEW_PASSWORD, current_password: 'not the password' }).expect(422);
      await patchSelf({ password: 'short', current_password: PASSWORD }).expect(422);
      expect(await alive(other.token)).toEqual([true]);
    });
  });

  describe('429', () => {
    it('counts wrong current passwords with the sign-ins: ten of both, then neither is looked at', async () => {
      for (let tries = 0; tries < 5; tries++) {
        expect(await signInStatus(person.email, 'not the password')).toBe(401);
        await patchSelf({ password: NEW_PASSWORD, current_password: 'not the password' }).expect(422);
      }
      const refused = await patchSelf({ password: NEW_PASSWORD, current_password: PASSWORD }).expect(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect(await signInStatus(person.email, PASSWORD)).toBe(429);
      await patchSelf({ first_name: 'Ada' }).expect(200);

      await forgetAttempts(latchkey);
      await patchSelf({ password: NEW_PASSWORD, current_password: PASSWORD }).expect(200);
    });

    it('tells only so many times which addresses are taken', async () => {
      const statuses: number[] = [];
      for (let tries = 0; tries < 11; tries++) {
        const taken = await latchkey.addUser();
        const { status } = await patchSelf({ email: taken.email, current_password: PASSWORD });
        statuses.push(status);
      }
      expect(statuses).toEqual([...Array<number>(10).fill(422), 429]);
      await forgetAttempts(latchkey);
    });
  });
});

describe('at the same time', () => {
  const service = () => latchkey.app.get(UsersService, { strict: false });
  const hold = ({ id }: { id: string }) =>
    holdRows(latchkey, 'SELECT FROM users WHERE id = $1 FOR UPDATE', [id]);
  const setPassword = { password: NEW_PASSWORD, current_password: PASSWORD };

  it.each([
    ['an address', 'email', (email: string) => `new-${email}`, (email: string): string | null => email],
    ['a telephone number', 'phone_number', () => '+43 660 1234567', () => null],
  ])(
    'SECURITY 139: %s that was new to nobody does not undo one that is set meanwhile',
    async (_, name, fresh, known) => {
      const twin = await latchkey.signIn(person);
      const held = await hold(person);
      const value = fresh(person.email);
      const moving = sent(patchSelf({ [name]: value, current_password: PASSWORD }));
      await held.untilWaiting(1);
      const staying = { [name]: known(person.email), first_name: 'Eve' };
      const undoing = sent(patch(person.id, staying, twin.token));
      await held.untilWaiting(2);
      await held.release();
      expect((await moving).status).toBe(200);
      expect((await undoing).status).toBe(409);
      const { body } = await latchkey.get('/api/v2/users/me', person.token).expect(200);
      expect(body.data.attributes).toMatchObject({ [name]: value, first_name: null });
    },
  );

  it('SECURITY 72: nobody sets the password of one who is given more rights meanwhile', async () => {
    const writer = await latchkey.asUser({ rights: ['user.read', 'user.write'] });
    const held = await hold(person);
    const granting = service().setRights(OPERATOR, person.id, ['*']);
    await held.untilWaiting(1);
    const taking = sent(patch(person.id, setPassword, writer.token));
    await held.untilWaiting(2);
    await held.release();
    await granting;
    expect((await taking).status).toBe(403);
    expect(await signInStatus(person.email, NEW_PASSWORD)).toBe(401);
  });

  it.each([
    ['is closed', 422, (id: string) => service().close(OPERATOR, id)],
    ['loses the right', 403, (id: string) => service().setRights(OPERATOR, id, [])],
  ])('SECURITY 72: nobody who %s meanwhile sets a password', async (_, status, change) => {
    const writer = await latchkey.asUser({ rights: ['user.read', 'user.write'] });
    const held = await hold(person);
    const taking = sent(patch(person.id, setPassword, writer.token));
    await held.untilWaiting(1);
    await change(writer.id);
    await held.release();
    expect((await taking).status).toBe(status);
    expect(await signInStatus(person.email, NEW_PASSWORD)).toBe(401);
  });

  it('SECURITY 72: a right is withdrawn before or after a password is set by it, never in between', async () => {
    const writer = await latchkey.asUser({ rights: ['user.read', 'user.write'] });
    const held = await holdRows(latchkey, 'SELECT FROM sessions WHERE id = $1 FOR UPDATE', [
      person.sessionId,
    ]);
    const done: string[] = [];
    const taking = sent(patch(person.id, setPassword, writer.token)).then(({ status }) =>
      done.push(`set: ${status}`),
    );
    await held.untilWaiting(1);
    const withdrawing = service()
      .setRights(OPERATOR, writer.id, [])
      .then(() => done.push('withdrawn'));
    await held.untilWaiting(2);
    await held.release();
    await Promise.all([taking, withdrawing]);
    expect(done.sort()).toEqual(['set: 200', 'withdrawn']);
  });

  it('ends also a session that somebody describes, or a browser takes in, at that moment', async () => {
    const others: { sessionId: string; token: string }[] = [];
    for (let n = 0; n < 6; n++) others.push(await latchkey.signIn(person));
    const held = await holdRows(latchkey, 'SELECT FROM sessions WHERE id = $1 FOR UPDATE', [
      others[3]!.sessionId,
    ]);
    const setting = sent(patchSelf(setPassword));
    await held.untilWaiting(1);
    await held.run(
      `UPDATE sessions SET note = 'x', created_at = created_at + interval '1 ms' WHERE id = $1`,
      [others[3]!.sessionId],
    );
    await held.release();
    expect((await setting).status).toBe(200);
    for (const { token } of others) await beside.get('/api/v2/sessions', token).expect(401);
  });

  it.each<[string, () => Promise<SignedInPerson>]>([
    ['their own', () => Promise.resolve(person)],
    ['somebody else’s', () => latchkey.asUser({ rights: ['user.read', 'user.write'] })],
  ])('nobody sets %s password with a session that is ended meanwhile', async (_, sign) => {
    const { id, token, email, sessionId } = await sign();
    const twin = await latchkey.signIn({ email, password: PASSWORD });
    const held = await hold(person);
    const taking = sent(patch(person.id, setPassword, token));
    await held.untilWaiting(1);
    await beside.delete(`/api/v2/sessions/${sessionId}`, twin.token).expect(204);
    await held.release();
    expect((await taking).status).toBe(401);
    expect(await signInStatus(person.email, NEW_PASSWORD)).toBe(401);
    await beside.get(`/api/v2/users/${id}`, twin.token).expect(200); // nothing that it would have ended is
  });
});
