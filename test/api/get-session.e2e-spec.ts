import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addSession } from '../support/fixture-session.js';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { NOT_FOUND } from '../support/refusals.js';

const PATH = '/api/v2/sessions';

describe('GET /api/v2/sessions/:id', () => {
  let latchkey: Latchkey;
  let person: SignedInPerson;
  let stranger: SignedInPerson;
  let auditor: SignedInPerson;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    person = await latchkey.asUser();
    stranger = await latchkey.asUser();
    auditor = await latchkey.asUser({ rights: ['session.read'] });
  });
  afterAll(() => latchkey?.stop());

  const read = (id: string, token: string | null = person.token) => latchkey.get(`${PATH}/${id}`, token);

  describe('200', () => {
    it("shows one's own session with its token, as the list does", async () => {
      const { body, headers } = await read(person.sessionId).expect(200);
      expect(Object.keys(body)).toEqual(['data', 'meta']);
      expect(body.meta).toEqual({});
      expect(body.data.attributes.token).toBe(person.token);
      expect(headers['cache-control']).toBe('no-store');
      const list = await latchkey.get(PATH, person.token).expect(200);
      expect(list.body.data).toContainEqual(body.data);
    });

    it("SECURITY 54: shows one's other sessions without a token", async () => {
      const { sessionId } = await latchkey.signIn(person);
      const { body } = await read(sessionId).expect(200);
      expect(body.data.id).toBe(sessionId);
      expect(body.data.attributes.token).toBeNull();
    });

    it("shows others' sessions, without a token, to a holder of session.read", async () => {
      const { body } = await read(person.sessionId, auditor.token).expect(200);
      expect(body.data.attributes).toMatchObject({ user_id: Number(person.id), token: null });
    });

    it('shows no token to a JWT, not even of its own session', async () => {
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, person.token).expect(201)).body;
      const { body } = await read(person.sessionId, jwt).expect(200);
      expect(body.data.attributes.token).toBeNull();
    });

    it('includes the user, and sends the fields that were asked for', async () => {
      const query = '?include=user&fields[users]=email&fields[sessions]=user,version';
      const { body } = await read(person.sessionId + query).expect(200);
      expect(body).toEqual({
        data: {
          id: person.sessionId,
          type: 'sessions',
          attributes: { version: 1 },
          relationships: { user: { data: { type: 'users', id: person.id } } },
        },
        included: [{ id: person.id, type: 'users', attributes: { email: person.email } }],
        meta: {},
      });
    });
  });

  describe('400', () => {
    it.each(['sort=name', 'page[size]=1', 'filter[name]=a', 'include=cats', 'fields[sessions]=cats'])(
      'refuses %s by name',
      async (query) => {
        const { body } = await read(`${person.sessionId}?${query}`).expect(400);
        expect(body.errors[0].source).toEqual({ parameter: query.split('=')[0] });
      },
    );
  });

  describe('401', () => {
    it('asks for a credential before it says whether there is such a session', async () => {
      const [known, unknown] = await Promise.all([read(person.sessionId, null), read('987654321', null)]);
      expect(known.status).toBe(401);
      expect(known.text).toBe(unknown.text);
    });
  });

  describe('403', () => {
    it('includes another user only for a caller who may see them: who may see sessions may not therefore', async () => {
      const list = `${PATH}?filter[user_id]=${person.id}&include=user`;
      for (const path of [`${PATH}/${person.sessionId}?include=user`, list]) {
        const { body } = await latchkey.get(path, auditor.token).expect(403);
        expect(body.errors[0]).toMatchObject({ code: 'forbidden', source: { parameter: 'include' } });
        const both = await latchkey.asUser({ rights: ['session.read', 'user.read'] });
        const seen = await latchkey.get(path, both.token).expect(200);
        expect(seen.body.included).toMatchObject([{ id: person.id, attributes: { email: person.email } }]);
      }
      await latchkey.get(`${PATH}?filter[user_id]=${auditor.id}&include=user`, auditor.token).expect(200);
    });

    it('includes another user no more when their session is changed, and then changes nothing', async () => {
      const editor = await latchkey.asUser({ rights: ['session.read', 'session.write'] });
      const path = `${PATH}/${person.sessionId}`;
      const change = document('sessions', { note: 'seen' }, { id: person.sessionId });
      await latchkey.patch(`${path}?include=user`, editor.token, change).expect(403);
      expect((await read(person.sessionId)).body.data.attributes.note).toBeNull();
    });
  });

  describe('404', () => {
    it('SECURITY 60: a foreign session is not found, just like an unknown one', async () => {
      const foreign = await read(person.sessionId, stranger.token).expect(404);
      const unknown = await read('987654321', stranger.token).expect(404);
      expect(foreign.body).toEqual(NOT_FOUND);
      expect(unknown.text).toBe(foreign.text);
    });

    it('finds no session that has ended, expired or still owes its second factor, whoever asks', async () => {
      const expiresAt = new Date(latchkey.clock.milliseconds() - 1);
      const gone = [
        await addSession(latchkey, person.id, { status: 'ended' }),
        await addSession(latchkey, person.id, { status: 'pending_otp' }),
        await addSession(latchkey, person.id, { expiresAt }),
      ];
      for (const { sessionId } of gone) {
        await read(sessionId).expect(404);
        await read(sessionId, auditor.token).expect(404);
      }
    });

    it.each([
      'undefined',
      'null',
      'NaN',
      'true',
      '0',
      '-1',
      '+1',
      '1.0',
      '1e3',
      '0x1',
      '01',
      '9223372036854775807',
      '9223372036854775808',
      '18446744073709551616',
      '9'.repeat(400),
      '%00',
      'ID%00',
      'ID%20',
      '%20ID',
      'ID%0A',
      'ID,1',
      'ID;a=1',
      '%D9%A1',
      '__proto__',
      'constructor',
      'toString',
      '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
      "1'--",
      '1%20OR%201=1',
      '*',
      '%25',
      '[]',
      '{}',
      '%F0%9F%94%91',
    ])('SECURITY 65: %s is the id of no session, for any method', async (odd) => {
      const id = odd.replace('ID', person.sessionId);
      const change = document('sessions', { name: 'x' }, { id });
      await latchkey.delete(`${PATH}/${id}`, person.token).expect(404);
      await latchkey.patch(`${PATH}/${id}`, person.token, change).expect(404);
      const { body } = await read(id).expect(404);
      expect(body.errors).toHaveLength(1);
      await read('current').expect(200);
    });

    it.each(['%', '%E0%A4%A'])('SECURITY 65: %s is no path', async (id) => {
      const { body } = await read(id).expect(400);
      expect(body.errors[0].status).toBe('400');
    });
  });
});
