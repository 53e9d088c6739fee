import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OPERATOR } from '../../src/caller.js';
import { document, Latchkey, type Credential, type SignedInPerson } from '../support/latchkey.js';
import { addOrganization, organizationsOf } from '../support/organizations.js';
import { asCareful } from '../support/second-factor.js';

const SESSIONS = '/api/v2/sessions';
const FIELDS = [
  'changed_at',
  'secured_until',
  'factors',
  'browser_id',
  'organization_id',
  'creator_id',
  'device_name',
  'environment',
  'city',
  'country',
  'latitude',
  'longitude',
  'fingerprint',
  'agent',
  'metadata',
  'lifetime_seconds',
  'refreshable',
  'version',
];

let latchkey: Latchkey;
let other: Latchkey;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  other = await Latchkey.start({}, latchkey);
});
afterAll(async () => {
  await other.stop();
  await latchkey.stop();
});

async function detailsOf({ sessionId, token }: Credential) {
  const path = `${SESSIONS}/${sessionId}?fields[sessions]=${FIELDS.join()}`;
  return (await latchkey.get(path, token).expect(200)).body.data.attributes;
}

const patch = ({ sessionId, token }: Credential, attributes: object, on = latchkey) =>
  on.patch(`${SESSIONS}/${sessionId}`, token, document('sessions', attributes, { id: sessionId }));

async function signInWith(attributes: object): Promise<SignedInPerson & { meta: Record<string, unknown> }> {
  const person = await latchkey.addUser();
  const { email, password } = person;
  const body = document('sessions', { email, password, ...attributes });
  const answer = (await latchkey.post(SESSIONS, null, body).expect(201)).body;
  const { id, attributes: shown } = answer.data;
  return { ...person, sessionId: id, token: shown.token, meta: answer.meta };
}

describe('GET /api/v2/sessions/:id', () => {
  it('200: shows what else it knows only when that is asked for by name', async () => {
    const person = await latchkey.asUser();
    const { body } = await latchkey.get(`${SESSIONS}/${person.sessionId}`, person.token).expect(200);
    for (const name of FIELDS) expect(body.data.attributes).not.toHaveProperty(name);
    expect(await detailsOf(person)).toMatchObject({
      secured_until: null,
      factors: { email_code: null, sms_code: null, totp: null, recovery_code: null },
      browser_id: null,
      organization_id: null,
      creator_id: Number(person.id),
      metadata: {},
      lifetime_seconds: null,
      refreshable: false,
      version: 1,
    });
  });

  it('200: says when each factor was given, and until when the session is secured by the last code', async () => {
    const person = await asCareful(latchkey);
    const { factors, secured_until } = await detailsOf(person);
    expect(factors.password).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
    expect(Date.parse(secured_until) - Date.parse(factors.totp)).toBe(3_600_000);
  });
});

describe('GET /api/v2/sessions', () => {
  it('200: is filtered and sorted by what more is known', async () => {
    const person = await latchkey.asUser();
    await patch(person, { device_name: 'Till 7', environment: 'CashRegister' }).expect(200);
    await latchkey.signIn(person);
    for (const filter of ['device_name][contains]=till', 'environment]=CashRegister']) {
      const path = `${SESSIONS}?filter[${filter}&sort=-changed_at&fields[sessions]=device_name`;
      const { body } = await latchkey.get(path, person.token).expect(200);
      expect(body.data).toMatchObject([{ id: person.sessionId, attributes: { device_name: 'Till 7' } }]);
    }
    for (const name of ['creator_id', 'organization_id', 'browser_id', 'fingerprint', 'changed_at']) {
      await latchkey.get(`${SESSIONS}?sort=${name}`, person.token).expect(200);
    }
    for (const name of ['factors', 'metadata', 'agent', 'latitude', 'secured_until']) {
      await latchkey.get(`${SESSIONS}?sort=${name}`, person.token).expect(400);
      await latchkey.get(`${SESSIONS}?filter[${name}]=x`, person.token).expect(400);
    }
  });
});

describe('POST /api/v2/sessions', () => {
  it('201: takes a device, an environment, metadata and a lifetime, which no use prolongs', async () => {
    const sent = { device_name: 'Till', environment: 'CashRegister', metadata: { shop: 'Graben' } };
    const person = await signInWith({ ...sent, lifetime_seconds: 600 });
    expect(await detailsOf(person)).toMatchObject({ ...sent, lifetime_seconds: 600 });
    expect(person.meta).toEqual({});

    latchkey.clock.move(599_000);
    await latchkey.get(`${SESSIONS}/current`, person.token).expect(200);
    latchkey.clock.move(2_000);
    await latchkey.get(`${SESSIONS}/current`, person.token).expect(401);
  });

  it('201: shows the token that renews it once, in meta, when it is to be refreshable', async () => {
    const person = await signInWith({ refreshable: true });
    expect(person.meta).toEqual({ refresh_token: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await detailsOf(person)).toMatchObject({ refreshable: true });
    await latchkey.get(`${SESSIONS}/current`, String(person.meta.refresh_token)).expect(401);
  });

  it.each<[string, unknown]>([
    ['lifetime_seconds', 59],
    ['lifetime_seconds', 365 * 86_400 + 1],
    ['lifetime_seconds', 60.5],
    ['lifetime_seconds', '600'],
    ['refreshable', 'true'],
    ['environment', 7],
    ['device_name', 'x'.repeat(256)],
    ['metadata', { shop: 7 }],
    ['organization_id', 7],
    ['creator_id', 7],
    ['factors', { totp: '2026-11-21T04:15:00Z' }],
    ['secured_until', '2999-01-01T00:00:00Z'],
    ['version', 7],
  ])('422: SECURITY 74: refuses %s as %j', async (name, value) => {
    const { email, password } = await latchkey.addUser();
    const body = document('sessions', { email, password, [name]: value });
    const refused = await latchkey.post(SESSIONS, null, body).expect(422);
    expect(refused.body.errors).toMatchObject([{ source: { pointer: `data/attributes/${name}` } }]);
  });
});

describe('PATCH /api/v2/sessions/:id', () => {
  describe('200', () => {
    it('replaces metadata as a whole, and leaves what is not sent', async () => {
      const person = await signInWith({ device_name: 'Till', metadata: { a: '1' } });
      await patch(person, { metadata: { b: '2' } }).expect(200);
      await patch(person, { environment: 'Kitchen', metadata: null }).expect(200);
      expect(await detailsOf(person)).toMatchObject({
        device_name: 'Till',
        environment: 'Kitchen',
        metadata: { b: '2' },
        version: 3,
      });
      await patch(person, { device_name: null, metadata: {} }).expect(200);
      expect(await detailsOf(person)).toMatchObject({ device_name: null, metadata: {} });
    });

    it('holds fifty texts, names of a hundred and values of a thousand characters, whatever their bytes', async () => {
      const person = await latchkey.asUser();
      const entry = (_: unknown, at: number) => [`${at}`.padEnd(100, 'é'), '𝄞'.repeat(at === 0 ? 1_000 : 1)];
      const metadata = Object.fromEntries(Array.from({ length: 50 }, entry));
      await patch(person, { metadata }).expect(200);
      expect((await detailsOf(person)).metadata).toEqual(metadata);
    });

    it('takes no notice of a place or of factors that have moved on since they were read', async () => {
      const person = await latchkey.asUser();
      await patch(person, { note: 'x', country: 'Austria', factors: { totp: null } }).expect(200);
      expect(await detailsOf(person)).toMatchObject({ country: null, factors: { totp: null } });
    });

    it("acts for an organisation of its user's, named by number or text, and for none again", async () => {
      const person = await latchkey.asUser();
      const { id } = await addOrganization(latchkey, [person]);
      await patch(person, { organization_id: Number(id) }).expect(200);
      expect(await detailsOf(person)).toMatchObject({ organization_id: Number(id) });
      await patch(person, { organization_id: id }).expect(200);
      await patch(person, { organization_id: null }).expect(200);
      expect(await detailsOf(person)).toMatchObject({ organization_id: null });
    });
  });

  describe('422', () => {
    it.each<[string, unknown]>([
      ['metadata', []],
      ['metadata', { a: null }],
      ['metadata', { a: 'x\0' }],
      ['metadata', { a: '\ud800' }],
      ['metadata', { '': 'x' }],
      ['metadata', JSON.parse('{"__proto__": "x"}')],
      ['metadata', { ['x'.repeat(101)]: 'x' }],
      ['metadata', { a: 'x'.repeat(1_001) }],
      ['metadata', Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`${at}`, 'x']))],
      ['environment', 'x'.repeat(101)],
      ['organization_id', true],
      ['organization_id', '0'],
      ['organization_id', -7],
      ['organization_id', '9'.repeat(30)],
      ['organization_id', { id: '7' }],
      ['lifetime_seconds', 600],
      ['refreshable', true],
      ['browser_id', 7],
    ])('refuses %s that is none or not to be set (%#), and changes nothing', async (name, value) => {
      const person = await latchkey.asUser();
      const refused = await patch(person, { note: 'x', [name]: value }).expect(422);
      expect(refused.body.errors).toMatchObject([{ source: { pointer: `data/attributes/${name}` } }]);
      expect(await detailsOf(person)).toMatchObject({ version: 1 });
    });

    it('SECURITY 60: refuses an organisation that its user is no member of as one that does not exist', async () => {
      const person = await latchkey.asUser();
      const { id } = await addOrganization(latchkey, [await latchkey.asUser()]);
      const foreign = await patch(person, { organization_id: id }).expect(422);
      const unknown = await patch(person, { organization_id: '987654321' }).expect(422);
      expect(foreign.text).toBe(unknown.text);
      expect(foreign.body.errors[0].source.pointer).toBe('data/attributes/organization_id');
      expect(await detailsOf(person)).toMatchObject({ organization_id: null, version: 1 });
    });

    it("lets an administrator choose only among the organisations of the session's user", async () => {
      const [person, admin] = [await latchkey.asUser(), await latchkey.asAdmin()];
      const { id } = await addOrganization(latchkey, [admin]);
      await patch({ ...person, token: admin.token }, { organization_id: id }).expect(422);
    });
  });

  it('403: SECURITY 79: a read-only token sets none of it', async () => {
    const person = await latchkey.asUser();
    const draft = document('sessions', { name: 'ci', read_only: true });
    const minted = await latchkey.post(`${SESSIONS}/machine`, person.token, draft).expect(201);
    const { token } = minted.body.data.attributes;
    await patch({ ...person, token }, { metadata: { a: '1' } }).expect(403);
  });

  it('of many at once, members leaving and sessions taking up: none acts for what its user has left', async () => {
    for (let round = 0; round < 5; round++) {
      const person = await latchkey.asUser();
      const { id } = await addOrganization(latchkey, [person]);
      const sessions = [person, await latchkey.signIn(person), await latchkey.signIn(person)];
      const takeUp = sessions.flatMap((session) =>
        [latchkey, other].map((on) => patch(session, { organization_id: id }, on)),
      );
      const [, ...answers] = await Promise.all([
        organizationsOf(other).removeMember(OPERATOR, id, person.id),
        ...takeUp,
      ]);
      for (const { status } of answers) expect([200, 422]).toContain(status);
      for (const session of sessions)
        expect(await detailsOf(session)).toMatchObject({ organization_id: null });
    }
  });

  it('of many at once, sessions taking up and the organisation deleted: none acts for it', async () => {
    const person = await latchkey.asUser();
    const { id } = await addOrganization(latchkey, [person]);
    const sessions = [person, await latchkey.signIn(person), await latchkey.signIn(person)];
    await Promise.all([
      ...sessions.map((session) => patch(session, { organization_id: id }, other)),
      organizationsOf(latchkey).delete(OPERATOR, id),
      ...sessions.map((session) => patch(session, { organization_id: id })),
    ]);
    for (const session of sessions) expect(await detailsOf(session)).toMatchObject({ organization_id: null });
  });
});
