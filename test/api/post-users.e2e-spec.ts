import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { OPERATOR } from '../../src/caller.js';
import { Passwords } from '../../src/secrets.js';
import { UsersService } from '../../src/users/users.service.js';
import { holdRows, sent } from '../support/held-rows.js';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { FORBIDDEN, invalidAttribute } from '../support/refusals.js';
import { EMAILS_OF_NOBODY, GOOD_PASSWORDS, NO_PASSWORDS } from '../support/proofs.js';

let latchkey: Latchkey;
let admin: SignedInPerson;
let people = 0;

beforeAll(async () => {
  latchkey = await Latchkey.start({ PASSWORD_CONCURRENCY: '1' });
  admin = await latchkey.asAdmin();
});
afterAll(() => latchkey.stop());

const newEmail = () => `newcomer${++people}@example.com`;
const create = (attributes: object, token = admin.token) =>
  latchkey.post('/api/v2/users', token, document('users', attributes));

async function signInStatus(email: string, password: string): Promise<number> {
  const { status } = await latchkey.post('/api/v2/sessions', null, document('sessions', { email, password }));
  return status;
}

async function countUsers(): Promise<number> {
  const [row] = await latchkey.sql<{ count: string }>('SELECT count(*) FROM users');
  return Number(row?.count);
}

describe('POST /users', () => {
  describe('201', () => {
    it('adds someone who can sign in, and says where they are', async () => {
      const profile = {
        first_name: 'Ada',
        last_name: 'Lovelace',
        avatar_url: 'https://example.com/ada.png',
        phone_number: '+43 1 234',
        locale: 'de-AT',
        time_zone: 'Europe/Vienna',
      };
      const email = newEmail();
      const response = await create({ email, password: 'a long passphrase', ...profile }).expect(201);
      const { id, attributes } = response.body.data;
      expect(response.headers.location).toMatch(new RegExp(`/api/v2/users/${id}$`));
      expect(attributes).toMatchObject({
        email,
        ...profile,
        status: 'active',
        rights: [],
        two_factor_auth: false,
      });
      expect(attributes).not.toHaveProperty('password');
      expect(await signInStatus(email, 'a long passphrase')).toBe(201);
    });

    it('takes a model that ember-data sends whole, with nulls and defaults for what the server owns', async () => {
      await create({
        email: newEmail(),
        password: 'a long passphrase',
        current_password: null,
        first_name: null,
        last_name: null,
        avatar_url: null,
        phone_number: null,
        locale: null,
        time_zone: null,
        status: 'active',
        rights: [],
        two_factor_auth: false,
        created_at: null,
        updated_at: null,
      }).expect(201);
    });

    it.each(GOOD_PASSWORDS)('SECURITY 9: takes a password of %s', async (_, password) => {
      const email = newEmail();
      await create({ email, password }).expect(201);
      expect(await signInStatus(email, password)).toBe(201);
    });

    it('keeps the spelling of an address, and compares it without case and after NFC', async () => {
      const name = `Zoe\u0308${++people}`;
      const { body } = await create({ email: `${name}@Example.com`, password: 'a long passphrase' }).expect(
        201,
      );
      expect(body.data.attributes.email).toBe(`${name}@Example.com`.normalize('NFC'));
      for (const spelling of [name, name.normalize('NFC'), name.toUpperCase()]) {
        expect(await signInStatus(`${spelling}@EXAMPLE.COM`, 'a long passphrase')).toBe(201);
      }
    });
  });

  describe('403', () => {
    it('SECURITY 72: nobody who is closed while the password is hashed adds anyone', async () => {
      const writer = await latchkey.asUser({ rights: ['user.write'] });
      const passwords = latchkey.app.get(Passwords);
      let busy = true;
      const others = Array.from({ length: 8 }, async () => {
        while (busy) await passwords.hash('somebody else', 10);
      });
      const email = newEmail();
      const creating = sent(create({ email, password: 'a brand new passphrase' }, writer.token));
      const everybodyElse = passwords.load.waiting;
      while (passwords.load.waiting <= everybodyElse) await sleep(1);
      await latchkey.app.get(UsersService, { strict: false }).close(OPERATOR, writer.id);
      busy = false;
      await Promise.all(others);
      expect((await creating).status).toBe(401);
      expect(await signInStatus(email, 'a brand new passphrase')).toBe(401);
    });

    it('SECURITY 72: nobody whose session is ended, or whose right goes, at that moment adds anyone', async () => {
      const writer = await latchkey.asUser({ rights: ['user.write'] });
      const twin = await latchkey.signIn(writer);
      const held = await holdRows(latchkey, 'SELECT FROM users WHERE id = $1 FOR UPDATE', [writer.id]);
      const creating = [writer, twin].map(({ token }) =>
        sent(create({ email: newEmail(), password: 'a brand new passphrase' }, token)),
      );
      await held.untilWaiting(2);
      await latchkey.delete(`/api/v2/sessions/${writer.sessionId}`, writer.token).expect(204);
      await held.run(`UPDATE users SET rights = '{}' WHERE id = $1`, [writer.id]);
      const before = await countUsers();
      await held.release();
      const answers = await Promise.all(creating);
      expect(answers.map(({ status }) => status)).toEqual([401, 403]);
      expect(await countUsers()).toBe(before);
    });

    it.each([[[]], [['user.read', 'session.read', 'session.write', 'session.delete']]])(
      'is refused without user.write (%j)',
      async (rights) => {
        const caller = await latchkey.asUser({ rights });
        const before = await countUsers();
        const { body } = await create(
          { email: newEmail(), password: 'a long passphrase' },
          caller.token,
        ).expect(403);
        expect(body).toEqual(FORBIDDEN);
        expect(await countUsers()).toBe(before);
      },
    );

    it('tells nobody without the right which addresses are taken', async () => {
      const caller = await latchkey.asUser();
      const taken = await create({ email: admin.email, password: 'a long passphrase' }, caller.token);
      const free = await create({ email: newEmail(), password: 'a long passphrase' }, caller.token);
      expect([taken.status, taken.text]).toEqual([free.status, free.text]);
    });
  });

  describe('422', () => {
    it('points at everything that is missing', async () => {
      const { body } = await create({}).expect(422);
      expect(body.errors).toMatchObject([
        { detail: "can't be blank", source: { pointer: 'data/attributes/email' } },
        { detail: "can't be blank", source: { pointer: 'data/attributes/password' } },
      ]);
    });

    it.each(NO_PASSWORDS)('SECURITY 9: refuses a password of %s', async (_, password, detail) => {
      const before = await countUsers();
      const { body } = await create({ email: newEmail(), password }).expect(422);
      expect(body).toEqual(invalidAttribute('password', detail));
      expect(await countUsers()).toBe(before);
    });

    it.each(EMAILS_OF_NOBODY)('SECURITY 11: refuses an address with %s', async (_, email) => {
      const { body } = await create({ email, password: 'a long passphrase' }).expect(422);
      expect(body.errors).toMatchObject([{ status: '422', source: { pointer: 'data/attributes/email' } }]);
    });

    it.each([
      ['other letters', (email: string) => email.toUpperCase()],
      ['the same letters', (email: string) => email],
    ])('SECURITY 11: refuses an address that is taken, in %s', async (_, spell) => {
      const person = await latchkey.addUser();
      const { body } = await create({ email: spell(person.email), password: 'a long passphrase' }).expect(
        422,
      );
      expect(body).toEqual(invalidAttribute('email', 'has already been taken'));
    });

    it('adds one of many that ask for the same address at once', async () => {
      const email = newEmail();
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => create({ email, password: 'a long passphrase' })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(422)]);
    });

    it.each([
      ['rights', ['*']],
      ['rights', ['user.read']],
      ['status', 'closed'],
      ['two_factor_auth', true],
      ['created_at', '2020-01-01T00:00:00.000Z'],
    ])('SECURITY 74: %s cannot be set, even by an administrator: %j', async (name, value) => {
      const { body } = await create({
        email: newEmail(),
        password: 'a long passphrase',
        [name]: value,
      }).expect(422);
      expect(body).toEqual(invalidAttribute(name, 'cannot be set'));
    });

    it.each([
      ['first_name', 'x'.repeat(101)],
      ['last_name', 7],
      ['first_name', 'a\0b'],
      ['last_name', '\ud800'],
      ['avatar_url', 'javascript:alert(1)'],
      ['avatar_url', 'not an address'],
      ['phone_number', 'x'.repeat(51)],
      ['locale', 'de_AT!'],
      ['time_zone', 'Mars/Olympus'],
    ])('refuses %s that is none: %j', async (name, value) => {
      const { body } = await create({
        email: newEmail(),
        password: 'a long passphrase',
        [name]: value,
      }).expect(422);
      expect(body.errors).toMatchObject([{ source: { pointer: `data/attributes/${name}` } }]);
    });
  });
});
