import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { OTP_REQUIRED } from '../support/refusals.js';

const PATH = '/api/v2/sessions/current';

describe('GET /api/v2/sessions/current', () => {
  let latchkey: Latchkey;
  let person: SignedInPerson;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    person = await latchkey.asUser();
  });
  afterAll(() => latchkey?.stop());

  const current = (token: string | null, query = '') => latchkey.get(PATH + query, token);

  describe('200', () => {
    it('is the session of the credential, with its token', async () => {
      const { body, headers } = await current(person.token).expect(200);
      expect(body.data).toMatchObject({ id: person.sessionId, attributes: { token: person.token } });
      expect(headers['cache-control']).toBe('no-store');
      const same = await latchkey.get(`/api/v2/sessions/${person.sessionId}`, person.token).expect(200);
      expect(same.body).toEqual(body);
    });

    it('is the machine session of a machine token, read-only or not', async () => {
      for (const read_only of [true, false]) {
        const sent = document('sessions', { name: 'robot', read_only });
        const minted = await latchkey.post('/api/v2/sessions/machine', person.token, sent).expect(201);
        const { id, attributes } = minted.body.data;
        const { body } = await current(attributes.token).expect(200);
        expect(body.data.id).toBe(id);
        expect(body.data.attributes).toMatchObject({ machine: true, read_only, token: attributes.token });
      }
    });

    it('is the session that a JWT was made from, without its token', async () => {
      const { jwt } = (await latchkey.post('/api/v2/sessions/jwt', person.token).expect(201)).body;
      const { body } = await current(jwt).expect(200);
      expect(body.data).toMatchObject({ id: person.sessionId, attributes: { token: null } });
    });

    it('includes the user', async () => {
      const { body } = await current(person.token, '?include=user').expect(200);
      expect(body.included).toMatchObject([{ id: person.id, type: 'users' }]);
    });
  });

  describe('400', () => {
    it('refuses a parameter that it does not know', async () => {
      const { body } = await current(person.token, '?user_id=1').expect(400);
      expect(body.errors[0].source).toEqual({ parameter: 'user_id' });
    });
  });

  describe('401', () => {
    it('is nothing without a credential, and with one that is over', async () => {
      await current(null).expect(401);
      const { token, sessionId } = await latchkey.signIn(person);
      await latchkey.delete(`/api/v2/sessions/${sessionId}`, token).expect(204);
      await current(token).expect(401);
    });
  });

  describe('403', () => {
    it('is not shown while the second factor is owed', async () => {
      const careful = await latchkey.asUser();
      await latchkey.enableTwoFactor(careful);
      const { token } = await latchkey.signIn(careful);
      const { body } = await current(token).expect(403);
      expect(body).toEqual(OTP_REQUIRED);
    });
  });
});
