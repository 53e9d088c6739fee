import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { holdRows, sent } from '../support/held-rows.js';
import { document, JSON_API, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import {
  FORBIDDEN,
  invalidAttribute,
  OTP_REQUIRED,
  READ_ONLY_SESSION,
  UNAUTHENTICATED,
} from '../support/refusals.js';
import { asCareful } from '../support/second-factor.js';

const PATH = '/api/v2/sessions/machine';
const DAY_MILLISECONDS = 86_400_000;
let latchkey: Latchkey;
let user: SignedInPerson;
let admin: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  user = await latchkey.asUser();
  admin = await latchkey.asAdmin();
});
afterAll(() => latchkey.stop());

function mint(token: string | null, attributes: object, more: object = {}) {
  return latchkey.post(PATH, token, document('sessions', attributes, more));
}

/** A machine token of someone. */
async function machineOf({ token }: { token: string }, more: object = {}) {
  const { body } = await mint(token, { name: 'builds', ...more }).expect(201);
  return { id: body.data.id as string, token: body.data.attributes.token as string };
}

async function sessionsOf(person: SignedInPerson): Promise<number> {
  const rows = await latchkey.sql(`SELECT FROM sessions WHERE user_id = $1 AND status = 'active'`, [
    person.id,
  ]);
  return rows.length;
}

describe('201', () => {
  it('SECURITY 78: answers the session with its token, as the contract shows it, and where it is', async () => {
    const response = await mint(user.token, { name: 'test token', read_only: true })
      .set('User-Agent', 'Mozilla')
      .expect(201);
    const { id } = response.body.data;
    expect(response.headers['content-type']).toBe(JSON_API);
    expect(response.headers['cache-control']).toContain('no-store');
    expect(new URL(response.headers.location!).pathname).toBe(`/api/v2/sessions/${id}`);
    expect(response.body).toEqual({
      data: {
        id,
        type: 'sessions',
        attributes: {
          name: 'test token',
          note: null,
          user_id: Number(user.id),
          token: expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/),
          last_ip: '127.0.0.1',
          location: null,
          device: null,
          platform: null,
          browser: 'Mozilla',
          machine: true,
          read_only: true,
          last_activity_at: expect.any(String),
          token_expires_at: null,
          two_factor_auth: false,
          single_sign_on: false,
          agent_first_name: null,
          agent_last_name: null,
          agent_avatar: null,
        },
        relationships: { user: { meta: { included: false } } },
      },
      meta: {},
    });
  });

  it('shows the token once: the list has the session and not its token', async () => {
    const machine = await machineOf(user);
    const { body } = await latchkey.get(`/api/v2/sessions/${machine.id}`, user.token).expect(200);
    expect(body.data.attributes).toMatchObject({ machine: true, token: null });
    const list = await latchkey.get('/api/v2/sessions?page[size]=200', user.token).expect(200);
    expect(list.text).not.toContain(machine.token);
  });

  it('writes with a full token, and never expires unless it asked to', async () => {
    const machine = await machineOf(user);
    latchkey.clock.move(365 * DAY_MILLISECONDS);
    const note = document('sessions', { note: 'written' }, { id: machine.id });
    await latchkey.patch(`/api/v2/sessions/${machine.id}`, machine.token, note).expect(200);
    latchkey.clock.release();
  });

  it('SECURITY 86: expires to the second when it asked to', async () => {
    const at = new Date(latchkey.clock.milliseconds() + 60_000);
    const { body } = await mint(user.token, { name: 'short', token_expires_at: at.toISOString() }).expect(
      201,
    );
    const { token, token_expires_at } = body.data.attributes;
    expect(new Date(token_expires_at)).toEqual(at);
    latchkey.clock.move(58_000);
    await latchkey.get('/api/v2/sessions', token).expect(200);
    latchkey.clock.move(2_000);
    await latchkey.get('/api/v2/sessions', token).expect(401, UNAUTHENTICATED);
    latchkey.clock.release();
  });

  it.each([
    ['true', true, true],
    ['false', false, false],
    ['null', null, false],
    ['absent', undefined, false],
  ])('SECURITY 81: read_only %s', async (_, sent, expected) => {
    const { body } = await mint(user.token, { name: 'x', read_only: sent }).expect(201);
    expect(body.data.attributes.read_only).toBe(expected);
  });

  it.each([
    ['right to left', '\u202eevil\u202c'],
    ['two lines', 'a\r\nSet-Cookie: a=b'],
    ['markup', '<script>alert(1)</script>'],
    ['a lookup', '${jndi:ldap://127.0.0.1/a}'],
    ['an emoji', '🗝️'],
    ['255 characters beyond the basic plane', '😀'.repeat(255)],
  ])('SECURITY 83: a name of %s is text and nothing else', async (_, name) => {
    const response = await mint(user.token, { name }).expect(201);
    expect(response.body.data.attributes.name).toBe(name);
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  it('SECURITY 75: what names another user is not heard', async () => {
    const relationships = { user: { data: { type: 'users', id: admin.id } } };
    const before = await sessionsOf(admin);
    const response = await mint(user.token, { name: 'x' }, { relationships }).set('X-User-Id', admin.id);
    expect(response.body.data.attributes.user_id).toBe(Number(user.id));
    expect(await sessionsOf(admin)).toBe(before);
  });

  it('accepts what ember-data sends of its model’s defaults', async () => {
    const defaults = { machine: false, token: null, user_id: null, two_factor_auth: false, last_ip: null };
    const { body } = await mint(user.token, { name: 'x', ...defaults }).expect(201);
    expect(body.data.attributes.machine).toBe(true);
  });
});

describe('400', () => {
  it('SECURITY 75: a user in the query is an unknown parameter', async () => {
    const path = `${PATH}?user_id=${admin.id}`;
    await latchkey.post(path, user.token, document('sessions', { name: 'x' })).expect(400);
  });
});

describe('401', () => {
  it('SECURITY 82: asks for a session, whatever user is named', async () => {
    const body = document('sessions', { name: 'x', user_id: Number(user.id) });
    await latchkey.post(PATH, null, body).set('X-User-Id', user.id).expect(401, UNAUTHENTICATED);
    await latchkey.post(`${PATH}?user_id=${user.id}`, null, body).expect(401, UNAUTHENTICATED);
  });

  it('SECURITY 84: a token that was deleted is refused each time', async () => {
    const machine = await machineOf(user);
    await latchkey.get('/api/v2/sessions', machine.token).expect(200);
    await latchkey.delete(`/api/v2/sessions/${machine.id}`, user.token).expect(204);
    const uses = Array.from({ length: 20 }, () => latchkey.get('/api/v2/sessions', machine.token));
    for (const { status, body } of await Promise.all(uses)) {
      expect({ status, body }).toEqual({ status: 401, body: UNAUTHENTICATED });
    }
  });

  it('SECURITY 85: a token dies with its owner', async () => {
    const owner = await latchkey.asUser();
    const machine = await machineOf(owner);
    await latchkey.delete(`/api/v2/users/${owner.id}`, admin.token).expect(204);
    await latchkey.get('/api/v2/sessions', machine.token).expect(401, UNAUTHENTICATED);
  });
});

describe('403', () => {
  it.each(['machine', 'read-only', 'JWT', 'pending'])('a %s credential mints nothing', async (kind) => {
    const owner = kind === 'pending' ? await asCareful(latchkey) : await latchkey.asUser();
    const [token, refusal] = await {
      machine: async () => [(await machineOf(owner)).token, FORBIDDEN],
      'read-only': async () => [(await machineOf(owner, { read_only: true })).token, READ_ONLY_SESSION],
      JWT: async () => [
        (await latchkey.post('/api/v2/sessions/jwt', owner.token).expect(201)).body.jwt,
        READ_ONLY_SESSION,
      ],
      pending: async () => [(await latchkey.signIn(owner)).token, OTP_REQUIRED],
    }[kind]!();
    const before = await sessionsOf(owner);
    for (const read_only of [true, false]) await mint(token, { name: 'x', read_only }).expect(403, refusal);
    expect(await sessionsOf(owner)).toBe(before);
  });

  it('SECURITY 85: a token loses a right in the moment in which its owner does', async () => {
    const owner = await latchkey.asUser({ rights: ['session.read'] });
    const machine = await machineOf(owner);
    const foreign = `/api/v2/sessions/${user.sessionId}`;
    await latchkey.get(foreign, machine.token).expect(200);
    await latchkey.sql(`UPDATE users SET rights = '{}' WHERE id = $1`, [owner.id]);
    await latchkey.get(foreign, machine.token).expect(404);
  });
});

describe('422', () => {
  const BLANK = "can't be blank";
  const INVALID = 'attribute is invalid';
  it.each([
    ['absent', undefined, BLANK],
    ['null', null, BLANK],
    ['empty', '', BLANK],
    ['blank', '  ', BLANK],
    ['Unicode white space', '\u00a0\u2003\t\n', BLANK],
    ['a number', 7, INVALID],
    ['a list', ['x'], INVALID],
    ['with NUL', 'a\0b', INVALID],
    ['half a surrogate pair', 'a\ud800', INVALID],
    ['too long', 'x'.repeat(256), 'is too long'],
    ['10 kB', 'x'.repeat(10_000), 'is too long'],
  ])('SECURITY 78, 83: a name that is %s', async (_, name, detail) => {
    await mint(user.token, { name }).expect(422, invalidAttribute('name', detail));
  });

  it.each(['true', 'yes', '', 1, 0, [true], {}, 'readOnly'])(
    'SECURITY 81: read_only %j is neither true nor false',
    async (read_only) => {
      const before = await sessionsOf(user);
      await mint(user.token, { name: 'x', read_only }).expect(422, invalidAttribute('read_only'));
      expect(await sessionsOf(user)).toBe(before);
    },
  );

  it.each([
    ['a moment that has passed', '2001-01-01T00:00:00Z'],
    ['no moment', 'tomorrow'],
    ['a day that is not', '2999-02-30T00:00:00Z'],
    ['a number', 4_102_444_800],
    ['beyond what the database can hold', '99999-01-01T00:00:00Z'],
  ])('token_expires_at: %s', async (_, token_expires_at) => {
    const sent = { name: 'x', token_expires_at };
    await mint(user.token, sent).expect(422, invalidAttribute('token_expires_at'));
  });

  it.each([
    ['user_id', 1],
    ['token', '00000000-0000-0000-0000-000000000000'],
    ['two_factor_auth', true],
    ['single_sign_on', true],
    ['last_ip', '1.2.3.4'],
  ])('SECURITY 75: %s is the server’s to set', async (name, value) => {
    const sent = { name: 'x', [name]: value };
    await mint(user.token, sent).expect(422, invalidAttribute(name, 'cannot be set'));
  });
});

describe('at the same time', () => {
  it('SECURITY 138: a session that ends while it mints leaves no token that nobody was given', async () => {
    for (let round = 0; round < 15; round++) {
      const owner = await latchkey.asUser();
      const own = `/api/v2/sessions/${owner.sessionId}`;
      const answers = await Promise.all([
        mint(owner.token, { name: 'a' }),
        latchkey.delete(own, owner.token),
        mint(owner.token, { name: 'b' }),
      ]);
      expect(answers[1].status).toBe(204);
      for (const { status } of [answers[0], answers[2]]) expect([201, 401]).toContain(status);
      const minted = answers.filter(({ status }) => status === 201).length;
      expect(await sessionsOf(owner)).toBe(minted);
      await mint(owner.token, { name: 'late' }).expect(401, UNAUTHENTICATED);
    }
  });

  it('a token that is minted while its owner is closed does not outlive them, and nobody waits in vain', async () => {
    const owner = await latchkey.asUser();
    const held = await holdRows(latchkey, 'SELECT FROM users WHERE id = $1 FOR UPDATE', [owner.id]);
    const closing = sent(latchkey.delete(`/api/v2/users/${owner.id}`, admin.token));
    await held.untilWaiting(1);
    const minting = sent(mint(owner.token, { name: 'x' }));
    await held.untilWaiting(2);
    await held.release();
    expect((await closing).status).toBe(204);
    expect((await minting).status).toBe(401);
    expect(await sessionsOf(owner)).toBe(0);
  });

  it('a token that is minted while all other sessions are ended is ended with the one it came from', async () => {
    const owner = await latchkey.asUser();
    const spared = await latchkey.signIn(owner);
    const held = await holdRows(latchkey, 'SELECT FROM sessions WHERE id = $1 FOR SHARE', [owner.sessionId]);
    const revoking = sent(latchkey.post('/api/v2/sessions/revoke', spared.token));
    await held.untilWaiting(1);
    const minted = await mint(owner.token, { name: 'x' }).expect(201);
    await held.release();
    expect((await revoking).body.meta).toEqual({ revoked: 2 });
    const { token } = minted.body.data.attributes;
    await latchkey.get('/api/v2/sessions', token).expect(401, UNAUTHENTICATED);
    expect(await sessionsOf(owner)).toBe(1);
  });
});
