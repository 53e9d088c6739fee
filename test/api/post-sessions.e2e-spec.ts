import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { document, JSON_API, Latchkey, PASSWORD, type Person } from '../support/latchkey.js';

const PATH = '/api/v2/sessions';
const TOKEN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('POST /api/v2/sessions', () => {
  let latchkey: Latchkey;
  let person: Person;

  beforeAll(async () => {
    latchkey = await Latchkey.start({ PUBLIC_URL: 'https://id.example.com/base' });
    person = await latchkey.addUser();
  });
  afterAll(() => latchkey?.stop());

  const signIn = (attributes: object, more: object = {}) =>
    latchkey.post(PATH, null, document('sessions', attributes, more));
  const credentials = () => ({ email: person.email, password: PASSWORD });
  const countOfSessions = async () =>
    (await latchkey.sql<{ count: string }>('SELECT count(*) FROM sessions'))[0]!.count;

  describe('201', () => {
    it('opens a session, says where it is, and lets no cache keep the token', async () => {
      const response = await signIn(credentials()).expect(201);
      const { id, attributes } = response.body.data;
      expect(response.headers.location).toBe(`https://id.example.com/base/api/v2/sessions/${id}`);
      expect(response.headers['cache-control']).toBe('no-store');
      expect(response.headers['content-type']).toBe(JSON_API);
      expect(response.body.meta).toEqual({});
      expect(attributes.token).toMatch(TOKEN);
      expect(attributes.user_id).toBe(Number(person.id));
      expect(attributes).not.toHaveProperty('password');
      expect(attributes).not.toHaveProperty('email');
    });

    it('gives each session a token of its own, and each of them works', async () => {
      const opened = await Promise.all([1, 2, 3, 4].map(() => signIn(credentials()).expect(201)));
      const tokens = opened.map(({ body }) => body.data.attributes.token);
      expect(new Set(tokens).size).toBe(4);
      for (const token of tokens) await latchkey.get(`${PATH}/current`, token).expect(200);
    });

    it('gives each of many who sign in at once their own session', async () => {
      const people = await Promise.all(Array.from({ length: 20 }, () => latchkey.addUser()));
      await Promise.all(
        people.map(async ({ id, email }) => {
          const { body } = await signIn({ email, password: PASSWORD }).expect(201);
          expect(body.data.attributes.user_id).toBe(Number(id));
          const me = await latchkey.get('/api/v2/users/me', body.data.attributes.token).expect(200);
          expect(me.body.data.id).toBe(id);
        }),
      );
    });

    it('keeps a name and a note that were sent along', async () => {
      const { body } = await signIn({ ...credentials(), name: 'Büro', note: 'Ⅷ' }).expect(201);
      expect(body.data.attributes).toMatchObject({ name: 'Büro', note: 'Ⅷ' });
    });

    it('takes every attribute that ember-data sends, as null or as a new model has it', async () => {
      const { body } = await signIn(
        {
          ...credentials(),
          name: null,
          note: null,
          user_id: null,
          token: null,
          last_ip: null,
          location: null,
          device: null,
          platform: null,
          browser: null,
          machine: false,
          read_only: false,
          last_activity_at: null,
          token_expires_at: null,
          two_factor_auth: false,
          single_sign_on: false,
          agent_first_name: null,
          agent_last_name: null,
          agent_avatar: null,
        },
        { relationships: { user: { data: null } } },
      ).expect(201);
      expect(body.data.attributes.user_id).toBe(Number(person.id));
      expect(body.data.attributes.token_expires_at).not.toBeNull();
    });

    it('ignores members and attributes that nobody defined', async () => {
      const more = { secured: true, role: 'admin', '@comment': 1 };
      const { body } = await signIn({ ...credentials(), ...more }).expect(201);
      expect(Object.keys(body.data.attributes)).toHaveLength(18);
    });

    it('finds the e-mail address whatever its letter case', async () => {
      const { body } = await signIn({ email: person.email.toUpperCase(), password: PASSWORD }).expect(201);
      expect(body.data.attributes.user_id).toBe(Number(person.id));
    });

    it('includes the user, and shows the fields that were asked for', async () => {
      const query = '?include=user&fields[sessions]=status,user&fields[users]=email';
      const { body } = await latchkey
        .post(`${PATH}${query}`, null, document('sessions', credentials()))
        .expect(201);
      expect(body.data.attributes).toEqual({ status: 'active' });
      expect(body.data.relationships.user.data).toEqual({ type: 'users', id: person.id });
      expect(body.included).toEqual([{ id: person.id, type: 'users', attributes: { email: person.email } }]);
    });

    it('opens a pending session, without two_factor_auth, for a user with a second factor', async () => {
      const careful = await latchkey.asUser();
      await latchkey.enableTwoFactor(careful);
      const proof = { email: careful.email, password: careful.password };
      const { body } = await latchkey
        .post(`${PATH}?fields[sessions]=status,two_factor_auth`, null, document('sessions', proof))
        .expect(201);
      expect(body.data.attributes).toEqual({ status: 'pending_otp', two_factor_auth: false });
    });

    it('is read in application/json too, for hand-written clients', async () => {
      await signIn(credentials()).set('Content-Type', 'application/json').expect(201);
    });

    it('SECURITY 55: adopts neither a token nor the session of a credential that came along', async () => {
      const { token, sessionId } = await latchkey.signIn(person);
      const { body } = await signIn(credentials())
        .set('X-Auth-Token', token)
        .set('Cookie', `token=${token}`)
        .expect(201);
      expect(body.data.id).not.toBe(sessionId);
      expect(body.data.attributes.token).not.toBe(token);
      await latchkey.get(`${PATH}/current`, token).expect(200);
    });
  });

  describe('401', () => {
    const OF_EACH_ANSWER = ['date', 'x-request-id'];
    const headersOf = ({ headers }: Response) =>
      Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_EACH_ANSWER.includes(name)));

    it('SECURITY 1–3: is the very same for whatever was wrong', async () => {
      const closed = await latchkey.addUser();
      const admin = await latchkey.asAdmin();
      await latchkey.delete(`/api/v2/users/${closed.id}`, admin.token).expect(204);
      const passwordless = await latchkey.addUser({ password: null });
      const careful = await latchkey.asUser();
      await latchkey.enableTwoFactor(careful);
      const before = await countOfSessions();
      const answers = [];
      for (const attributes of [
        { email: person.email, password: 'wrong password' },
        { email: 'nobody@example.com', password: PASSWORD },
        { email: 'no address at all', password: PASSWORD },
        { email: closed.email, password: PASSWORD },
        { email: closed.email, password: 'wrong password' },
        { email: passwordless.email, password: PASSWORD },
        { email: careful.email, password: 'wrong password' },
        { email: person.email.toUpperCase(), password: 'wrong password' },
        { email: person.email, password: 'x'.repeat(5_000) },
        { email: person.email, password: `${PASSWORD}\0` },
        { email: `${person.email}\0`, password: PASSWORD },
        { email: person.email, password: `${PASSWORD}\ud800` },
      ]) {
        answers.push(await signIn(attributes).expect(401));
      }
      for (const answer of answers) {
        expect(answer.text).toBe(answers[0]!.text);
        expect(headersOf(answer)).toEqual(headersOf(answers[0]!));
      }
      expect(await countOfSessions()).toBe(before);
    });

    it.each([
      ['another case', PASSWORD.toUpperCase()],
      ['a space before', ` ${PASSWORD}`],
      ['a space after', `${PASSWORD} `],
      ['a line feed after', `${PASSWORD}\n`],
      ['a NUL and more after', `${PASSWORD}\0tail`],
      ['the last character missing', PASSWORD.slice(0, -1)],
      ['everything twice', PASSWORD + PASSWORD],
      ['a zero-width space inside', PASSWORD.replace(' ', ' \u200b')],
    ])('SECURITY 7: no password with %s is the password', async (_, password) => {
      const { email } = await latchkey.addUser();
      await signIn({ email, password }).expect(401);
    });

    it('tells the client how to authenticate', async () => {
      const { headers } = await signIn({ email: 'nobody@example.com', password: 'wrong' }).expect(401);
      expect(headers['www-authenticate']).toMatch(/^Bearer /);
    });
  });

  describe('422', () => {
    it.each([
      [{}, ['email', 'password']],
      [{ email: '', password: '' }, ['email', 'password']],
      [{ email: null, password: null }, ['email', 'password']],
      [{ email: 'someone@example.com' }, ['password']],
      [{ password: 'whatever' }, ['email']],
    ])("SECURITY 13: %j can't be blank, and each is pointed at", async (attributes, blank) => {
      const { body } = await signIn(attributes).expect(422);
      expect(body).toEqual({
        errors: blank.map((name) => ({
          status: '422',
          code: 'invalid_attribute',
          title: 'Invalid Attribute',
          detail: "can't be blank",
          source: { pointer: `data/attributes/${name}` },
        })),
      });
    });

    it.each([[true], [0], [1.5], [[]], [{}], [['a@example.com']], [{ $ne: null }], [{ toString: 'a' }]])(
      'SECURITY 12: neither an e-mail address nor a password is %j',
      async (value) => {
        const { body } = await signIn({ email: value, password: value }).expect(422);
        expect(body.errors.map((error: { source: object }) => error.source)).toEqual([
          { pointer: 'data/attributes/email' },
          { pointer: 'data/attributes/password' },
        ]);
      },
    );

    it.each([
      ['user_id', 1],
      ['token', '00000000-0000-0000-0000-000000000000'],
      ['machine', true],
      ['machine', 'false'],
      ['read_only', true],
      ['read_only', 0],
      ['token_expires_at', '2999-01-01T00:00:00.000Z'],
      ['last_activity_at', '2001-01-01T00:00:00.000Z'],
      ['last_ip', '192.0.2.1'],
      ['location', 'Vienna'],
      ['two_factor_auth', true],
      ['single_sign_on', true],
      ['device', 'Toaster'],
      ['platform', 'Linux'],
      ['browser', 'Mozilla'],
      ['agent_first_name', 'Smith'],
      ['agent_last_name', 'Smith'],
      ['agent_avatar', 'https://example.com/a.png'],
      ['created_at', '2001-01-01T00:00:00.000Z'],
      ['status', 'active'],
      ['user_agent', 'Mozilla'],
      ['name', 'x'.repeat(256)],
      ['name', 5],
      ['name', 'NUL \0'],
      ['note', 'x'.repeat(1_001)],
      ['note', ['a']],
    ])('SECURITY 74: refuses %s = %j by pointing at it, and opens nothing', async (name, value) => {
      const before = await countOfSessions();
      const { body } = await signIn({ ...credentials(), [name]: value }).expect(422);
      expect(body.errors).toHaveLength(1);
      expect(body.errors[0].source).toEqual({ pointer: `data/attributes/${name}` });
      expect(await countOfSessions()).toBe(before);
    });

    it('names everything that is wrong at once', async () => {
      const { body } = await signIn({ name: 5, machine: true, rights: ['*'] }).expect(422);
      expect(body.errors.map((error: { source: { pointer: string } }) => error.source.pointer)).toEqual([
        'data/attributes/email',
        'data/attributes/password',
        'data/attributes/name',
        'data/attributes/machine',
      ]);
    });
  });

  describe('400', () => {
    it.each(['email=a@example.com', 'password=hunter22', 'token=abc'])(
      'SECURITY 15: takes no secret from the query (%s), and does not repeat it',
      async (query) => {
        const response = await latchkey
          .post(`${PATH}?${query}`, null, document('sessions', credentials()))
          .expect(400);
        const [name = '', value = ''] = query.split('=');
        expect(response.body.errors[0].source).toEqual({ parameter: name });
        expect(response.text).not.toContain(value);
      },
    );

    it.each(['page[size]=1', 'filter[name]=x', 'sort=name', 'expires_in=60'])(
      'refuses the parameter %s, which is none of this route',
      async (query) => {
        const { body } = await latchkey
          .post(`${PATH}?${query}`, null, document('sessions', credentials()))
          .expect(400);
        expect(body.errors[0].source).toEqual({ parameter: query.split('=')[0] });
      },
    );

    it('asks for a document', async () => {
      await latchkey.post(PATH, null).expect(400);
    });
  });

  describe('403', () => {
    it('takes no id from the client', async () => {
      const { body } = await signIn(credentials(), { id: '7' }).expect(403);
      expect(body.errors[0].source).toEqual({ pointer: 'data/id' });
    });
  });

  describe('406 and 415', () => {
    it('answers in no other media type', async () => {
      await signIn(credentials()).set('Accept', `${JSON_API};charset=utf-8`).expect(406);
    });

    it('SECURITY 15: reads neither a form nor HTTP Basic', async () => {
      const form = `email=${encodeURIComponent(person.email)}&password=${encodeURIComponent(PASSWORD)}`;
      const post = () => latchkey.post(PATH, null);
      await post().set('Content-Type', 'application/x-www-form-urlencoded').send(form).expect(415);
      await signIn({}).auth(person.email, PASSWORD).expect(422);
    });
  });

  describe('409', () => {
    it('opens sessions and nothing else', async () => {
      const { body } = await latchkey.post(PATH, null, document('users', credentials())).expect(409);
      expect(body.errors[0].source).toEqual({ pointer: 'data/type' });
    });
  });
});
