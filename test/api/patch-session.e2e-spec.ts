import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activityByHand } from '../support/activity.js';
import { document, Latchkey, type Credential, type SignedInPerson } from '../support/latchkey.js';
import { FORBIDDEN, invalidAttribute, NOT_FOUND, READ_ONLY_SESSION } from '../support/refusals.js';

const PATH = '/api/v2/sessions';

describe('PATCH /api/v2/sessions/:id', () => {
  let latchkey: Latchkey;
  let person: SignedInPerson;
  let stranger: SignedInPerson;
  let writeActivity: () => Promise<void>;

  beforeAll(async () => {
    latchkey = await Latchkey.start();
    writeActivity = activityByHand(latchkey);
    person = await latchkey.asUser();
    stranger = await latchkey.asUser();
  });
  afterAll(() => latchkey?.stop());

  const change = (id: string, attributes: object, token: string | null = person.token, more: object = {}) =>
    latchkey.patch(`${PATH}/${id}`, token, document('sessions', attributes, { id, ...more }));
  const read = async (id: string, query = '') =>
    (await latchkey.get(`${PATH}/${id}${query}`, person.token).expect(200)).body.data;
  const mint = async (read_only = false): Promise<Credential> => {
    const sent = document('sessions', { name: 'robot', read_only });
    const { id, attributes } = (await latchkey.post(`${PATH}/machine`, person.token, sent).expect(201)).body
      .data;
    return { sessionId: id, token: attributes.token };
  };

  describe('200', () => {
    it('names and annotates a session, and shows it whole', async () => {
      const { body } = await change(person.sessionId, { name: 'Küche', note: 'the old one' }).expect(200);
      expect(body.data.attributes).toMatchObject({ name: 'Küche', note: 'the old one', token: person.token });
      expect(body.data).toEqual(await read(person.sessionId));
      expect(body.meta).toEqual({});
    });

    it('keeps what is not sent, and clears what is null', async () => {
      const { sessionId } = await latchkey.signIn(person);
      await change(sessionId, { name: 'phone', note: 'mine' }).expect(200);
      const renamed = await change(sessionId, { name: 'tablet' }).expect(200);
      expect(renamed.body.data.attributes).toMatchObject({ name: 'tablet', note: 'mine', token: null });
      const cleared = await change(sessionId, { name: null }).expect(200);
      expect(cleared.body.data.attributes).toMatchObject({ name: null, note: 'mine' });
      const untouched = await latchkey
        .patch(`${PATH}/${sessionId}`, person.token, { data: { type: 'sessions', id: sessionId } })
        .expect(200);
      expect(untouched.body.data.attributes).toMatchObject({ name: null, note: 'mine' });
    });

    it('loses neither of two changes that come at once', async () => {
      const { sessionId } = await latchkey.signIn(person);
      for (let round = 0; round < 10; round++) {
        await Promise.all([
          change(sessionId, { name: `name ${round}` }).expect(200),
          change(sessionId, { note: `note ${round}` }).expect(200),
        ]);
        const { attributes } = await read(sessionId);
        expect(attributes).toMatchObject({ name: `name ${round}`, note: `note ${round}` });
      }
    });

    it('counts each change in version, and no mere use', async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const version = async () => (await read(sessionId, '?fields[sessions]=version')).attributes.version;
      expect(await version()).toBe(1);
      await change(sessionId, { name: 'first' }).expect(200);
      expect(await version()).toBe(2);
      await latchkey.get(PATH, token).expect(200);
      expect(await version()).toBe(2);
      await change(sessionId, { note: 'second' }).expect(200);
      expect(await version()).toBe(3);
    });

    it('takes every attribute back as it was read, however old that is', async () => {
      const seen = await read(person.sessionId);
      latchkey.clock.move(3 * 60_000);
      await latchkey.get(`${PATH}/current`, person.token).expect(200);
      await writeActivity();
      const now = await read(person.sessionId);
      expect(now.attributes.last_activity_at).not.toBe(seen.attributes.last_activity_at);
      const user = { data: { type: 'users', id: person.id } };
      const sent = { ...seen.attributes, name: 'stale' };
      const { body } = await change(person.sessionId, sent, person.token, { relationships: { user } }).expect(
        200,
      );
      expect(body.data.attributes).toEqual({ ...now.attributes, name: 'stale' });
    });

    it('takes every attribute as null', async () => {
      const { attributes } = await read(person.sessionId);
      const nothing = Object.fromEntries(Object.keys(attributes).map((name) => [name, null]));
      const { body } = await change(person.sessionId, nothing).expect(200);
      expect(body.data.attributes).toEqual({ ...attributes, name: null, note: null });
    });

    it('takes the token that a client still holds of another of its sessions', async () => {
      const { sessionId, token } = await latchkey.signIn(person);
      const { body } = await change(sessionId, { token, name: 'held' }).expect(200);
      expect(body.data.attributes.token).toBeNull();
      await latchkey.get(`${PATH}/current`, token).expect(200);
    });

    it('lets an interactive session rename a machine session', async () => {
      const { sessionId } = await mint();
      const { body } = await change(sessionId, { name: 'renamed', note: 'in the cellar' }).expect(200);
      expect(body.data.attributes).toMatchObject({ name: 'renamed', note: 'in the cellar', machine: true });
    });

    it('lets a machine session annotate itself, sending its own name back', async () => {
      const { sessionId, token } = await mint();
      const { body } = await change(sessionId, { name: 'robot', note: 'runs nightly' }, token).expect(200);
      expect(body.data.attributes).toMatchObject({ name: 'robot', note: 'runs nightly' });
    });

    it("changes others' sessions for a holder of session.read and session.write", async () => {
      const editor = await latchkey.asUser({ rights: ['session.read', 'session.write'] });
      const { sessionId } = await latchkey.signIn(person);
      const { body } = await change(sessionId, { note: 'seen' }, editor.token).expect(200);
      expect(body.data.attributes).toMatchObject({ note: 'seen', user_id: Number(person.id), token: null });
    });

    it('SECURITY 74: never moves a session to another user', async () => {
      const { sessionId } = await latchkey.signIn(person);
      const user = { data: { type: 'users', id: stranger.id } };
      const { body } = await change(sessionId, { name: 'x' }, person.token, {
        relationships: { user },
      }).expect(403);
      expect(body.errors[0].source).toEqual({ pointer: 'data/relationships/user' });
      expect((await read(sessionId)).attributes).toMatchObject({ user_id: Number(person.id), name: null });
    });
  });

  describe('400', () => {
    it.each([
      ['no document', undefined, {}],
      ['null', null, {}],
      ['a list', { data: [] }, { pointer: 'data' }],
      ['no id', { data: { type: 'sessions', attributes: {} } }, { pointer: 'data/id' }],
      ['a number for an id', { data: { type: 'sessions', id: 1 } }, { pointer: 'data/id' }],
      [
        'attributes that are none',
        { data: { type: 'sessions', id: 'ID', attributes: [] } },
        { pointer: 'data/attributes' },
      ],
    ])('refuses %s', async (_, sent, source) => {
      const text = sent === undefined ? undefined : JSON.stringify(sent).replace('ID', person.sessionId);
      const call = latchkey.patch(`${PATH}/${person.sessionId}`, person.token);
      const { body } = await call.set('Content-Type', 'application/vnd.api+json').send(text).expect(400);
      expect(body.errors[0].source).toEqual(source);
    });
  });

  describe('401', () => {
    it('asks for a credential', () => change(person.sessionId, { name: 'x' }, null).expect(401));
  });

  describe('403', () => {
    it('SECURITY 79: changes nothing for a read-only session or a JWT', async () => {
      const robot = await mint(true);
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, person.token).expect(201)).body;
      for (const token of [robot.token, jwt]) {
        for (const id of [person.sessionId, robot.sessionId]) {
          const { body } = await change(id, { note: 'written' }, token).expect(403);
          expect(body).toEqual(READ_ONLY_SESSION);
        }
      }
      expect((await read(robot.sessionId)).attributes.note).toBeNull();
    });

    it('lets no machine session rename one', async () => {
      const [robot, another] = [await mint(), await mint()];
      for (const { sessionId } of [robot, another]) {
        const { body } = await change(sessionId, { name: 'renamed' }, robot.token).expect(403);
        expect(body).toEqual(FORBIDDEN);
        expect((await read(sessionId)).attributes.name).toBe('robot');
      }
    });

    it('forbids what may be seen but not changed', async () => {
      const auditor = await latchkey.asUser({ rights: ['session.read', 'session.delete'] });
      const { sessionId } = await latchkey.signIn(person);
      const { body } = await change(sessionId, { note: 'seen' }, auditor.token).expect(403);
      expect(body).toEqual(FORBIDDEN);
      expect((await read(sessionId)).attributes.note).toBeNull();
    });
  });

  describe('404', () => {
    it('SECURITY 62: finds a foreign session as little as an unknown one, and changes nothing', async () => {
      const foreign = await change(person.sessionId, { note: 'mine now' }, stranger.token).expect(404);
      const unknown = await change('987654321', { note: 'mine now' }, stranger.token).expect(404);
      expect(foreign.body).toEqual(NOT_FOUND);
      expect(unknown.text).toBe(foreign.text);
      expect((await read(person.sessionId)).attributes.note).not.toBe('mine now');
    });

    it('finds no session that has ended', async () => {
      const { sessionId } = await latchkey.signIn(person);
      await latchkey.delete(`${PATH}/${sessionId}`, person.token).expect(204);
      await change(sessionId, { name: 'x' }).expect(404);
    });

    it('SECURITY 62: says so whatever is wrong with what was sent', async () => {
      const { body } = await change(person.sessionId, { name: 5, token: 'x' }, stranger.token).expect(404);
      expect(body).toEqual(NOT_FOUND);
    });
  });

  describe('409', () => {
    it('refuses a document of another session, or of another type', async () => {
      const path = `${PATH}/${person.sessionId}`;
      const otherId = document('sessions', {}, { id: '1234567' });
      const otherType = document('users', {}, { id: person.sessionId });
      const first = await latchkey.patch(path, person.token, otherId).expect(409);
      expect(first.body.errors[0]).toMatchObject({ code: 'conflict', source: { pointer: 'data/id' } });
      const second = await latchkey.patch(path, person.token, otherType).expect(409);
      expect(second.body.errors[0]).toMatchObject({ code: 'conflict', source: { pointer: 'data/type' } });
    });
  });

  describe('422', () => {
    it.each([
      ['user_id', 1_234_567],
      ['user_id', 'PERSON'],
      ['token', '00000000-0000-0000-0000-000000000000'],
      ['token', 7],
      ['machine', true],
      ['machine', 'false'],
      ['read_only', true],
      ['read_only', 0],
      ['two_factor_auth', true],
      ['single_sign_on', true],
      ['last_activity_at', '2999-01-01T00:00:00.000Z'],
      ['token_expires_at', '2999-01-01T00:00:00.000Z'],
      ['device', 'Toaster'],
      ['platform', 'Toaster'],
      ['browser', 'Toaster'],
      ['agent_avatar', 'https://example.com/a.png'],
      ['status', 'ended'],
      ['created_at', '2001-01-01T00:00:00.000Z'],
    ])('SECURITY 74: refuses to set %s to %j', async (name, value) => {
      const before = await read(person.sessionId);
      const sent = { name: 'changed', [name]: value === 'PERSON' ? person.id : value };
      const { body } = await change(person.sessionId, sent).expect(422);
      expect(body).toEqual(invalidAttribute(name, 'cannot be set'));
      expect(await read(person.sessionId)).toEqual(before);
    });

    it.each([
      ['name', 'x'.repeat(256), 'is too long'],
      ['name', 5, 'attribute is invalid'],
      ['name', 'a\0b', 'attribute is invalid'],
      ['name', '\ud800', 'attribute is invalid'],
      ['note', 'x'.repeat(1_001), 'is too long'],
      ['note', {}, 'attribute is invalid'],
    ])('refuses as %s what is none', async (name, value, detail) => {
      const { body } = await change(person.sessionId, { [name]: value }).expect(422);
      expect(body).toEqual(invalidAttribute(name, detail));
    });

    it.each([[null], [''], ['  '], ['\t\n'], ['\u00a0']])(
      "a machine session's name can't be %j",
      async (name) => {
        const { sessionId } = await mint();
        const { body } = await change(sessionId, { name }).expect(422);
        expect(body).toEqual(invalidAttribute('name', "can't be blank"));
        expect((await read(sessionId)).attributes.name).toBe('robot');
      },
    );

    it('takes a name of 255 characters, whatever their bytes', async () => {
      const name = '🔑'.repeat(255);
      const { body } = await change(person.sessionId, { name }).expect(200);
      expect(body.data.attributes.name).toBe(name);
    });
  });
});
