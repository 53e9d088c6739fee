import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';

let latchkey: Latchkey;
let admin: SignedInPerson;
let person: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  admin = await latchkey.asAdmin();
  person = await latchkey.asUser();
});
afterAll(() => latchkey.stop());

const patch = (who: SignedInPerson, id: string, attributes: object) =>
  latchkey.patch(`/api/v2/users/${id}`, who.token, document('users', attributes, { id }));
const metadataOf = async ({ id }: { id: string }) =>
  (await latchkey.get(`/api/v2/users/${id}`, admin.token).expect(200)).body.data.attributes.metadata;
const nested = (levels: number): object => (levels === 0 ? {} : { more: nested(levels - 1) });

describe('metadata of users', () => {
  describe('200', () => {
    it('is written by a holder of user.write, shown to the user, and replaced as a whole', async () => {
      await patch(admin, person.id, { metadata: { type: 'pilot', planes: [1, { big: true }] } }).expect(200);
      await patch(admin, person.id, { metadata: { type: 'cook' } }).expect(200);
      const { body } = await latchkey.get('/api/v2/users/me', person.token).expect(200);
      expect(body.data.attributes.metadata).toEqual({ type: 'cook' });
    });

    it('is set when the user is created', async () => {
      const draft = { email: 'noted@example.com', password: PASSWORD, metadata: { gender: 'x' } };
      const { body } = await latchkey
        .post('/api/v2/users', admin.token, document('users', draft))
        .expect(201);
      expect(body.data.attributes.metadata).toEqual({ gender: 'x' });
    });

    it('stays as it is when it is not sent, sent as null, or sent by its user as it is', async () => {
      await patch(admin, person.id, { metadata: { a: 1, b: 2 } }).expect(200);
      await patch(admin, person.id, { first_name: 'Ada', metadata: null }).expect(200);
      await patch(person, person.id, { first_name: 'Ada', metadata: { b: 2, a: 1 } }).expect(200);
      expect(await metadataOf(person)).toEqual({ a: 1, b: 2 });
    });

    it('holds eight kilobytes, five levels deep', async () => {
      const metadata = { text: 'x'.repeat(8_192 - 11) };
      await patch(admin, person.id, { metadata }).expect(200);
      await patch(admin, person.id, { metadata: nested(4) }).expect(200);
      expect(await metadataOf(person)).toEqual(nested(4));
    });
  });

  describe('422', () => {
    it('SECURITY 74: nobody writes their own, whatever their rights', async () => {
      for (const who of [person, admin]) {
        const refused = await patch(who, who.id, { metadata: { type: 'admin' } }).expect(422);
        expect(refused.body.errors[0].source.pointer).toBe('data/attributes/metadata');
      }
    });

    it.each<[string, unknown]>([
      ['a text', 'x'],
      ['a list', []],
      ['a text that PostgreSQL cannot keep', { a: 'x\0' }],
      ['half a character', { a: ['\ud800'] }],
      ['a name that PostgreSQL cannot keep', { 'x\0': 1 }],
      ['a name that means more to JavaScript', JSON.parse('{"a": {"__proto__": {"rights": ["*"]}}}')],
      ['six levels', nested(5)],
      ['more than eight kilobytes', { text: 'x'.repeat(8_192 - 10) }],
    ])('refuses %s, and nothing is changed', async (_what, metadata) => {
      const before = await metadataOf(person);
      const refused = await patch(admin, person.id, { first_name: 'Eve', metadata }).expect(422);
      expect(refused.body.errors).toMatchObject([{ source: { pointer: 'data/attributes/metadata' } }]);
      expect(await metadataOf(person)).toEqual(before);
    });
  });
});
