import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { document, Latchkey } from '../support/latchkey.js';
import { asCareful, type Careful } from '../support/second-factor.js';

let latchkey: Latchkey;
let victim: Careful;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  victim = await asCareful(latchkey);
});
afterAll(() => latchkey.stop());

describe('422', () => {
  it.each([
    ['user_id', 4711],
    ['machine', true],
    ['read_only', true],
    ['token', '01234567-89ab-cdef-0123-456789abcdef'],
    ['token_expires_at', '2999-01-01T00:00:00Z'],
    ['two_factor_auth', true],
    ['single_sign_on', true],
    ['last_ip', '6.6.6.6'],
  ])('SECURITY 74: signing in with %s of one’s own making sets nothing', async (name, value) => {
    const person = await latchkey.addUser();
    const body = document('sessions', { email: person.email, password: person.password, [name]: value });
    const response = await latchkey.post('/api/v2/sessions', null, body);
    if (response.status === 201) expect(response.body.data.attributes[name]).not.toEqual(value);
    else
      expect(response.body.errors).toMatchObject([
        { status: '422', source: { pointer: `data/attributes/${name}` } },
      ]);
  });

  it('SECURITY 74: whatever is sent beside the credentials, the session is one’s own', async () => {
    const person = await latchkey.addUser();
    const { email, password } = person;
    const unknown = { rights: ['*'], role: 'admin', activated: true, secured: true, verified: true };
    const named = { relationships: { user: { data: { type: 'users', id: victim.id } } } };
    const body = document('sessions', { email, password, ...unknown }, named);
    const { body: answer } = await latchkey.post('/api/v2/sessions', null, body).expect(201);
    expect(answer.data.attributes).toMatchObject({
      user_id: Number(person.id),
      machine: false,
      two_factor_auth: false,
    });
    expect(answer.data.attributes).not.toHaveProperty('rights');
    const me = await latchkey.get('/api/v2/users/me', answer.data.attributes.token).expect(200);
    expect(me.body.data).toMatchObject({ id: person.id, attributes: { rights: [] } });
  });

  it('SECURITY 75: a machine session is one’s own, whoever is named', async () => {
    const person = await latchkey.asUser();
    const named = { relationships: { user: { data: { type: 'users', id: victim.id } } } };
    const body = document('sessions', { name: 'ci', rights: ['*'], machine: true }, named);
    const { body: answer } = await latchkey.post('/api/v2/sessions/machine', person.token, body).expect(201);
    expect(answer.data.attributes).toMatchObject({ user_id: Number(person.id), machine: true });
    await latchkey
      .post(
        `/api/v2/sessions/machine?user_id=${victim.id}`,
        person.token,
        document('sessions', { name: 'ci' }),
      )
      .expect(400);
    for (const attributes of [{ user_id: Number(victim.id) }, { token: 'chosen' }]) {
      const refused = await latchkey
        .post('/api/v2/sessions/machine', person.token, document('sessions', { name: 'ci', ...attributes }))
        .expect(422);
      expect(refused.body.errors[0].source.pointer).toBe(`data/attributes/${Object.keys(attributes)[0]}`);
    }
  });

  it('SECURITY 76: a JWT holds one’s own claims, whatever the body and the query say', async () => {
    const person = await latchkey.asUser();
    const body = document('sessions', { user_id: Number(victim.id), exp: 9_999_999_999, type: 'full' });
    const { body: answer } = await latchkey
      .post('/api/v2/sessions/jwt?expires_in=60', person.token, { ...body, user_id: 1, expires_in: 3600 })
      .expect(201);
    expect(answer.payload).toEqual({
      user_id: Number(person.id),
      exp: expect.any(Number),
      type: 'read-only',
    });
    expect(answer.payload.exp).toBeLessThanOrEqual(latchkey.clock.seconds() + 60);
    for (const query of ['user_id=1', 'exp=9999999999', 'type=full']) {
      await latchkey.post(`/api/v2/sessions/jwt?${query}`, person.token).expect(400);
    }
  });

  it('SECURITY 77: nothing marks an address, a number or a person as verified', async () => {
    const person = await latchkey.asUser();
    const body = document(
      'users',
      { verified: true, email_verified: true, two_factor_auth: true },
      { id: person.id },
    );
    await latchkey.patch(`/api/v2/users/${person.id}`, person.token, body).expect(422);
    const me = await latchkey.get('/api/v2/users/me', person.token).expect(200);
    expect(me.body.data.attributes.two_factor_auth).toBe(false);
  });
});

describe('what is shown', () => {
  const SESSION = [
    'name',
    'note',
    'user_id',
    'token',
    'last_ip',
    'location',
    'device',
    'platform',
    'browser',
    'machine',
    'read_only',
    'last_activity_at',
    'token_expires_at',
    'two_factor_auth',
    'single_sign_on',
    'agent_first_name',
    'agent_last_name',
    'agent_avatar',
  ];
  const USER = [
    'email',
    'first_name',
    'last_name',
    'avatar_url',
    'phone_number',
    'locale',
    'time_zone',
    'status',
    'rights',
    'two_factor_auth',
    'metadata',
    'created_at',
    'updated_at',
  ];
  const ENROLLMENT = [
    'user_id',
    'secret',
    'otpauth_uri',
    'qr_code',
    'recovery_codes',
    'recovery_codes_left',
    'confirmed_at',
    'created_at',
  ];

  it.each([
    ['/api/v2/sessions', 'sessions', SESSION],
    ['/api/v2/sessions/current', 'sessions', SESSION],
    ['/api/v2/sessions/:id', 'sessions', SESSION],
    ['/api/v2/users', 'users', USER],
    ['/api/v2/users/me', 'users', USER],
    ['/api/v2/users/:id', 'users', USER],
    ['/api/v2/otp_enrollments/:id', 'otp_enrollments', ENROLLMENT],
  ])('SECURITY 174: GET %s shows exactly the documented keys', async (route, type, attributes) => {
    const owner = { sessions: victim.sessionId, users: victim.id, otp_enrollments: victim.enrollmentId }[
      type
    ];
    const { body } = await latchkey.get(route.replace(':id', owner ?? ''), victim.token).expect(200);
    const resource = Array.isArray(body.data) ? body.data[0] : body.data;
    expect(resource.type).toBe(type);
    expect(Object.keys(resource.attributes)).toEqual(attributes);
    expect(Object.keys(resource).sort()).toEqual(
      (type === 'sessions'
        ? ['attributes', 'id', 'relationships', 'type']
        : ['attributes', 'id', 'type']
      ).sort(),
    );
  });

  it('SECURITY 174: an included user shows exactly the documented keys', async () => {
    const { body } = await latchkey.get('/api/v2/sessions/current?include=user', victim.token).expect(200);
    expect(Object.keys(body.included[0].attributes)).toEqual(USER);
  });

  it('SECURITY 102: no field is shown by asking for a column', async () => {
    for (const name of [
      'password_hash',
      'passwordHash',
      'token_hash',
      'email_key',
      'credentials_version',
      'password',
    ]) {
      for (const type of ['users', 'sessions']) {
        await latchkey
          .get(`/api/v2/sessions/current?include=user&fields[${type}]=${name}`, victim.token)
          .expect(400);
      }
    }
  });
});
