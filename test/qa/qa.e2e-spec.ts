import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { generateSync } from 'otplib';
import request, { type Test } from 'supertest';
import { FIXTURES, type FixtureName } from '../../src/qa/fixtures.service.js';
import { operationsOf, SchemaCheck, type Described } from '../openapi/described.js';
import { document, Latchkey } from '../support/latchkey.js';
import { declaredRoutesOf } from '../support/routes.js';
import { askForCode, attempt, startVerification } from '../support/step-up.js';

const DAY_SECONDS = 86_400;

/** What `/qa/fixtures` answers. */
interface Made {
  readonly name: string;
  readonly user: {
    readonly id: string;
    readonly email: string;
    readonly password: string;
    readonly rights: string[];
  };
  readonly session: { readonly id: string; readonly token: string };
  readonly second_factor: { readonly secret: string; readonly recovery_codes: string[] };
  readonly organization: { readonly id: string; readonly slug: string };
}

let latchkey: Latchkey;
let described: Described;
let check: SchemaCheck;

beforeAll(async () => {
  latchkey = await Latchkey.start({ QA_MODE: 'true' });
  described = (await request(latchkey.url).get('/openapi.json').expect(200)).body;
  check = new SchemaCheck(described);
});
afterAll(() => latchkey.stop());

/** A request, and its answer held against the documentation. */
function qa(method: 'get' | 'post' | 'patch' | 'delete', path: string, body?: object): Test {
  const name = `${method.toUpperCase()} /qa${path.split('?')[0]}`;
  const test = request(latchkey.url)[method](`/qa${path}`);
  return test.send(body).expect(({ status, headers, body: answered }) => {
    const { content } = operationsOf(described).find(([key]) => key === name)![1].responses[status]!;
    const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(content ?? {});
    expect({ name, type: headers['content-type'] ?? '' }).toEqual({ name, type });
    expect({ name, problems: check.problems(schema, answered) }).toEqual({ name, problems: [] });
  });
}

async function make(name: FixtureName): Promise<Made> {
  return (await qa('post', '/fixtures', { name }).expect(201)).body as Made;
}

/** The status of asking who one is, and the code of the refusal. */
async function current({ session }: Made): Promise<[number, string?]> {
  const { status, body } = await latchkey.get('/api/v2/sessions/current', session.token);
  return status === 200 ? [200] : [status, body.errors[0].code];
}

const signIn = ({ user: { email, password } }: Made) =>
  latchkey.post('/api/v2/sessions', null, document('sessions', { email, password }));

const validate = ({ user: { password }, session: { id } }: Made, otp: string) =>
  latchkey.put(`/api/v2/sessions/${id}/validate_otp`, null, document('sessions', { otp, password }));

async function appCode({ second_factor: { secret } }: Made): Promise<string> {
  const { body } = await qa('get', '/clock').expect(200);
  return generateSync({ secret, epoch: Math.floor(Date.parse(body.now) / 1000) });
}

describe('without QA_MODE', () => {
  let other: Latchkey;

  beforeAll(async () => {
    other = await Latchkey.start({}, latchkey);
  });
  afterAll(() => other.stop());

  it.each(['/qa', '/qa/clock', '/qa/outbox', '/qa/fixtures'])(
    '%s is an address like any that is unknown',
    async (path) => {
      for (const method of ['get', 'post', 'patch', 'delete', 'options'] as const) {
        const answer = await request(other.url)[method](path);
        const unknown = await request(other.url)[method]('/nothing');
        expect([answer.status, answer.text]).toEqual([404, unknown.text]);
        expect(answer.headers['x-latchkey-qa']).toBeUndefined();
      }
    },
  );

  it('no answer says that there is such a mode, and neither does the documentation', async () => {
    const { text, headers } = await request(other.url).get('/openapi.json').expect(200);
    expect(Object.keys(headers)).not.toContain('x-latchkey-qa');
    expect(text).not.toContain('/qa/');
  });
});

describe('every answer in QA_MODE', () => {
  it.each(['/health/live', '/api/v2/sessions/current', '/nothing', '/qa/clock'])(
    'says so: %s',
    async (path) => {
      const { headers } = await request(latchkey.url).get(path);
      expect(headers['x-latchkey-qa']).toBe('true');
    },
  );
});

describe('/qa/clock', () => {
  afterEach(() => qa('patch', '/clock', { release: true }).expect(200));

  it('shows the time, freezes it, moves it, and lets it run again', async () => {
    const { body: shown } = await qa('get', '/clock').expect(200);
    expect(shown).toEqual({ now: expect.any(String), frozen: false });
    const { body: frozen } = await qa('patch', '/clock', { freeze: '2030-01-31T12:00:00Z' }).expect(200);
    expect(frozen).toEqual({ now: '2030-01-31T12:00:00.000Z', frozen: true });
    const { body: moved } = await qa('patch', '/clock', { move_seconds: -0.5 }).expect(200);
    expect(moved).toEqual({ now: '2030-01-31T11:59:59.500Z', frozen: true });
    const { body: both } = await qa('patch', '/clock', { freeze: true, move_seconds: 1.5 }).expect(200);
    expect(both).toEqual({ now: '2030-01-31T12:00:01.000Z', frozen: true });
    const { body: again } = await qa('patch', '/clock', { release: true }).expect(200);
    expect(again.frozen).toBe(false);
    expect(Math.abs(Date.parse(again.now) - Date.parse(shown.now))).toBeLessThan(60_000);
  });

  it('lets a session run out that nobody uses, and one that is used live on', async () => {
    const [used, unused] = [await make('signed_in_user'), await make('signed_in_user')];
    await qa('patch', '/clock', { move_seconds: 13 * DAY_SECONDS });
    expect(await current(used)).toEqual([200]);
    await qa('patch', '/clock', { move_seconds: 2 * DAY_SECONDS });
    expect(await current(used)).toEqual([200]);
    expect(await current(unused)).toEqual([401, 'invalid_auth_token']);
  });

  it('lets the time for a code pass', async () => {
    const pending = await make('user_pending_otp');
    await qa('patch', '/clock', { move_seconds: 301 });
    const { body } = await validate(pending, await appCode(pending)).expect(403);
    expect(body.errors[0].code).toBe('validation_time_expired');
  });

  it('lets the quarter of an hour pass that too many tries cost', async () => {
    const [locked, codeLocked] = [await make('locked_user'), await make('code_locked_user')];
    await qa('patch', '/clock', { freeze: true, move_seconds: 600 }).expect(200);
    await signIn(locked).expect(429);
    await qa('patch', '/clock', { move_seconds: 301 }).expect(200);
    await signIn(locked).expect(201);
    const { body } = await signIn(codeLocked).expect(201);
    await validate({ ...codeLocked, session: body.data }, await appCode(codeLocked)).expect(200);
  });

  it.each([
    ['no object', [], 400],
    ['a member that is unknown', { thaw: true }, 400],
    ['a moment without its offset', { freeze: '2030-01-31T12:00:00' }, 422],
    ['a moment that is not frozen', { freeze: false }, 422],
    ['a moment before the year 2000', { freeze: '1999-12-31T23:59:59Z' }, 422],
    ['a step beyond the year 2100', { move_seconds: 150 * 366 * DAY_SECONDS }, 422],
    ['a step that is no number', { move_seconds: '1' }, 422],
    ['a release that is neither true nor false', { release: 1 }, 422],
  ])('refuses %s, and the clock stays as it is', async (_, body, status) => {
    await qa('patch', '/clock', { freeze: '2030-01-31T12:00:00Z' });
    const refused = await qa('patch', '/clock', body).expect(status);
    expect(refused.body.errors).toHaveLength(1);
    expect((await qa('get', '/clock')).body.now).toBe('2030-01-31T12:00:00.000Z');
  });

  it.each(['2000-01-01T00:00:00Z', '2099-12-01T00:00:00Z'])(
    'at %s everything that is asked for is answered',
    async (freeze) => {
      await qa('patch', '/clock', { freeze }).expect(200);
      const admin = await make('admin');
      expect(await current(admin)).toEqual([200]);
      await latchkey.post('/api/v2/sessions/jwt', admin.session.token).expect(201);
      await request(latchkey.url).get('/.well-known/jwks.json').expect(200);
    },
  );
});

describe('/qa/outbox', () => {
  it('has the codes that would have been sent, the newest first, and the notices', async () => {
    const made = await make('user_with_phone');
    const seat = { sessionId: made.session.id, token: made.session.token };
    const wanted = { level: 'first_factor', strategy: 'email_code' };
    const { id } = (await startVerification(latchkey, seat, wanted).expect(201)).body.data;
    await askForCode(latchkey, seat.token, id, 'sms_code').expect(200);

    const { body } = await qa('get', `/outbox?to=${made.user.email.toUpperCase()}&kind=code`).expect(200);
    expect(body.messages).toEqual([
      {
        id: expect.any(Number),
        kind: 'code',
        channel: 'email',
        to: made.user.email,
        subject: 'Your code for Latchkey',
        text: expect.stringContaining(`${body.messages[0].code} is your code`),
        code: expect.stringMatching(/^\d{6}$/),
        sent_at: expect.any(String),
      },
    ]);
    const { body: all } = await qa('get', '/outbox').expect(200);
    expect(all.messages[0]).toMatchObject({ kind: 'code', channel: 'sms', subject: null });
    expect(all.messages[0].id).toBeGreaterThan(all.messages[1].id);

    const proof = { strategy: 'email_code', code: body.messages[0].code };
    await attempt(latchkey, seat.token, id, proof).expect(200);

    const careful = await make('user_with_2fa');
    const { body: told } = await qa('get', `/outbox?to=${careful.user.email}&channel=email`).expect(200);
    expect(told.messages).toEqual([
      expect.objectContaining({
        kind: 'notice',
        code: null,
        subject: 'Two-factor authentication was turned on',
      }),
    ]);
  });

  it('is emptied', async () => {
    await make('user_with_2fa');
    await qa('delete', '/outbox').expect(204);
    expect((await qa('get', '/outbox').expect(200)).body).toEqual({ messages: [] });
  });

  it.each(['?colour=red', '?kind=mail', '?channel=post', '?to=%'])(
    'refuses a query that means nothing: %s',
    (query) => qa('get', `/outbox${query}`).expect(400),
  );
});

describe('/qa/fixtures', () => {
  it('tells the names that there are', async () => {
    const { body } = await qa('get', '/fixtures').expect(200);
    expect(body.fixtures).toEqual(
      Object.entries(FIXTURES).map(([name, description]) => ({ name, description })),
    );
  });

  it.each([
    [{}, 422],
    [{ name: 'nobody' }, 422],
    [{ name: 'toString' }, 422],
    [{ name: 7 }, 422],
    [[], 400],
    [{ name: 'user', rights: ['*'] }, 400],
  ])('makes nobody of %j', async (body, status) => {
    const before = await latchkey.sql('SELECT count(*) FROM users');
    await qa('post', '/fixtures', body).expect(status);
    expect(await latchkey.sql('SELECT count(*) FROM users')).toEqual(before);
  });

  it('takes no form, as a page of anywhere could send it', () =>
    request(latchkey.url).post('/qa/fixtures').type('form').send('name=admin').expect(415));

  /** What every state is made for. */
  const PROMISES: Readonly<Record<FixtureName, (made: Made) => Promise<unknown>>> = {
    user: async (made) => {
      expect(made).toMatchObject({ session: null, second_factor: null, organization: null });
      await signIn(made).expect(201);
    },
    signed_in_user: async (made) => expect(await current(made)).toEqual([200]),
    admin: (made) => latchkey.get('/api/v2/users', made.session.token).expect(200),
    backend: (made) =>
      request(latchkey.url)
        .post('/zitadel/v2/sessions')
        .set('Authorization', `Bearer ${made.session.token}`)
        .send({})
        .expect(201),
    user_with_phone: async (made) => {
      const seat = { sessionId: made.session.id, token: made.session.token };
      await startVerification(latchkey, seat, { level: 'first_factor', strategy: 'sms_code' }).expect(201);
    },
    user_with_2fa: async (made) => {
      expect(made.second_factor.recovery_codes).toHaveLength(5);
      const machine = document('sessions', { name: 'ci' });
      await latchkey.post('/api/v2/sessions/machine', made.session.token, machine).expect(201); // both are proved
      const { body } = await signIn(made).expect(201);
      await validate({ ...made, session: body.data }, await appCode(made)).expect(200);
    },
    user_pending_otp: async (made) => {
      expect(await current(made)).toEqual([403, 'otp_required']);
      await validate(made, await appCode(made)).expect(200);
    },
    user_with_missed_otp: async (made) => {
      const { body } = await validate(made, await appCode(made)).expect(403);
      expect(body.errors[0].code).toBe('validation_time_expired');
    },
    user_with_stale_session: async (made) => {
      const machine = document('sessions', { name: 'ci' });
      const { body } = await latchkey
        .post('/api/v2/sessions/machine', made.session.token, machine)
        .expect(403);
      expect(body.errors[0].code).toBe('step_up_required');
    },
    user_with_expired_session: async (made) =>
      expect(await current(made)).toEqual([401, 'invalid_auth_token']),
    user_with_revoked_session: async (made) =>
      expect(await current(made)).toEqual([401, 'invalid_auth_token']),
    user_with_many_sessions: async (made) => {
      const { body } = await latchkey.get('/api/v2/sessions', made.session.token).expect(200);
      expect(body.meta.total_count).toBe(5);
    },
    organization_member: async (made) => {
      const path = `/api/v2/organizations/${made.organization.id}`;
      const { body } = await latchkey.get(path, made.session.token).expect(200);
      expect(body.data.attributes.slug).toBe(made.organization.slug);
    },
    machine_token: async (made) => {
      const note = document('sessions', { note: 'x' }, { id: made.session.id });
      await latchkey.patch(`/api/v2/sessions/${made.session.id}`, made.session.token, note).expect(200);
    },
    read_only_token: async (made) => {
      const note = document('sessions', { note: 'x' }, { id: made.session.id });
      await latchkey.patch(`/api/v2/sessions/${made.session.id}`, made.session.token, note).expect(403);
      expect(await current(made)).toEqual([200]);
    },
    closed_user: (made) => signIn(made).expect(401),
    locked_user: (made) => signIn(made).expect(429),
    code_locked_user: async (made) => {
      const { body } = await signIn(made).expect(201);
      await validate({ ...made, session: body.data }, await appCode(made)).expect(429);
    },
  };

  it.each(Object.keys(PROMISES) as FixtureName[])('makes what it says: %s', async (name) => {
    const made = await make(name);
    expect(made).toMatchObject({ name, user: { rights: expect.any(Array) } });
    await PROMISES[name](made);
  });

  it('makes people for many tests at once, none of whom is another, though some are made as of another time', async () => {
    const names = Object.keys(FIXTURES) as FixtureName[];
    const made = await Promise.all(names.map(make));
    expect(new Set(made.map(({ user }) => user.id)).size).toBe(names.length);
    const now = latchkey.clock.milliseconds();
    expect(Math.abs(now - new Date().getTime())).toBeLessThan(60_000);
  });
});

it('whatever is sent to /qa, it is answered or refused, and never upset', async () => {
  const clock = fc.record(
    {
      release: fc.oneof(fc.boolean(), fc.jsonValue()),
      freeze: fc.oneof(
        fc.constant(true),
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        fc.string(),
        fc.jsonValue(),
      ),
      move_seconds: fc.oneof(fc.double(), fc.integer(), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const sent = fc.oneof(
    fc.tuple(fc.constant('patch' as const), fc.constant('/clock'), fc.oneof(clock, fc.jsonValue())),
    fc.tuple(
      fc.constant('post' as const),
      fc.constant('/fixtures'),
      fc.oneof(fc.record({ name: fc.jsonValue() }), fc.jsonValue()),
    ),
    fc.tuple(
      fc.constant('get' as const),
      fc.webQueryParameters().map((query) => `/outbox?${query}`),
      fc.constant(undefined),
    ),
  );
  await fc.assert(
    fc.asyncProperty(sent, async ([method, path, body]) => {
      const test = request(latchkey.url)[method](`/qa${path}`);
      const answer = await test
        .set(body === undefined ? {} : { 'Content-Type': 'application/json' })
        .send(body === undefined ? undefined : JSON.stringify(body));
      expect(answer.status).toBeLessThan(500);
      await request(latchkey.url).get('/qa/clock').expect(200);
    }),
    { seed: 4, numRuns: 200 },
  );
  await qa('patch', '/clock', { release: true }).expect(200);
});

it('the routes of QA_MODE are open to anyone, and are all that there are', () => {
  const routes = declaredRoutesOf(latchkey.app).filter(({ path }) => path.startsWith('/qa'));
  expect(routes.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    'DELETE /qa/outbox',
    'GET /qa/clock',
    'GET /qa/fixtures',
    'GET /qa/outbox',
    'PATCH /qa/clock',
    'POST /qa/fixtures',
  ]);
  expect(new Set(routes.map(({ access }) => access?.who))).toEqual(new Set(['anyone']));
  const documented = operationsOf(described).map(([name]) => name);
  expect(documented).toEqual(expect.arrayContaining(routes.map(({ method, path }) => `${method} ${path}`)));
});
