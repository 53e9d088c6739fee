import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Response } from 'supertest';
import { toId as toClerkId } from '../src/faces/clerk/ids.js';
import { toLendixId } from '../src/faces/lendix/translate.js';
import { toPortosId } from '../src/faces/portos/translate.js';
import { mintJwt, mintMachine } from './support/access-table.js';
import { APIS, askEverywhere, enter, lendix, type Api, type Said, type Seat } from './support/apis.js';
import { ClerkBrowser, ORIGIN } from './support/clerk-browser.js';
import { document, Latchkey, type Person, type SignedInPerson } from './support/latchkey.js';
import { addOrganization } from './support/organizations.js';
import { PortosClient } from './support/portos.js';
import { asCareful, type Careful } from './support/second-factor.js';
import { attempt, mailedCode, startMailboxes, startVerification, type Mailboxes } from './support/step-up.js';
import { until } from './support/until.js';
import { asBackend, ZitadelClient } from './support/zitadel.js';

const MINUTE = 60_000;

/** Two instances on one database: what one answers holds for the next request to the other. */
let one: Latchkey;
let two: Latchkey;
let mailboxes: Mailboxes;

beforeAll(async () => {
  mailboxes = await startMailboxes();
  const settings = { ...mailboxes.settings, ALLOWED_ORIGINS: ORIGIN };
  one = await Latchkey.start(settings);
  two = await Latchkey.start(settings, one);
});
afterAll(async () => {
  await two.stop();
  await one.stop();
  await mailboxes.stop();
});

/** Who is who in a story: somebody, signed in once through each API, and an application that signs others in. */
interface Cast {
  readonly person: Person;
  readonly backend: SignedInPerson;
  readonly seats: Readonly<Record<Api, Seat>>;
}

async function castOf(person: Person, code?: () => string): Promise<Cast> {
  const backend = await asBackend(one);
  const seats: Partial<Record<Api, Seat>> = {};
  for (const api of APIS) seats[api] = await enter(api, one, person, backend, code);
  return { person, backend, seats: seats as Cast['seats'] };
}

function letPass(milliseconds: number): void {
  one.clock.move(milliseconds);
  two.clock.move(milliseconds);
}

/** What each API says of a session. */
async function saidOf({ seats }: Cast, id: string): Promise<Record<Api, Said>> {
  const said = await Promise.all(APIS.map((api) => seats[api].describe(two, id)));
  return Object.fromEntries(APIS.map((api, index) => [api, said[index]])) as Record<Api, Said>;
}

/** Which sessions each API lists. */
const listedBy = ({ seats }: Cast) => Promise.all(APIS.map((api) => seats[api].sessionIds(two)));

/** Proving the mailed code in a session, by the APIs whose documents know a step-up; gives the token it has then. */
const STEP_UPS: Readonly<Partial<Record<Api, (cast: Cast, seat: Seat) => Promise<string | null>>>> = {
  async native({ person, seats }, { sessionId, token }) {
    const asking = { sessionId, token: seats.native.token };
    const wanted = { level: 'first_factor', strategy: 'email_code' };
    const { id } = (await startVerification(one, asking, wanted).expect(201)).body.data;
    const proof = { strategy: 'email_code', code: mailedCode(mailboxes, person.email) };
    await attempt(two, asking.token, id, proof).expect(200);
    return token;
  },

  async lendix({ person, seats }, { sessionId, token }) {
    const asking = { token: seats.lendix.token!, userId: person.id };
    const path = `/sessions/${toLendixId(sessionId)}`;
    await lendix(one, 'post', path, asking, { secured: true, codeOrigin: 'email' }).expect(200);
    const code = mailedCode(mailboxes, person.email);
    const { body } = await lendix(two, 'post', path, asking, { code }).expect(200);
    expect(body.session.secured).toBe(true);
    return token;
  },

  async zitadel({ person, backend }, { sessionId, token }) {
    const challenges = { otpEmail: { sendCode: {} } };
    await new ZitadelClient(one).set(sessionId, backend.token, { challenges }).expect(200);
    const checks = { otpEmail: { code: mailedCode(mailboxes, person.email) } };
    const { body } = await new ZitadelClient(two).set(sessionId, backend.token, { checks }).expect(200);
    return token === null ? null : (body.sessionToken as string); // each change of it is answered with a new token
  },

  async clerk({ person }, seat) {
    const path = `/client/sessions/${toClerkId('session', seat.sessionId)}/verify`;
    const browserOn = (on: Latchkey) => Object.assign(new ClerkBrowser(on), seat);
    await browserOn(one).post(path, { level: 'first_factor' }).expect(200);
    await browserOn(two).post(`${path}/prepare_first_factor`, { strategy: 'email_code' }).expect(200);
    const form = { strategy: 'email_code', code: mailedCode(mailboxes, person.email) };
    const { body } = await browserOn(one).post(`${path}/attempt_first_factor`, form).expect(200);
    expect(body.response.status).toBe('complete');
    return null;
  },
};

/** A browser proves factors of its own sessions only. */
const proversOf = (opener: Api) =>
  (['native', 'lendix', 'zitadel', ...(opener === 'clerk' ? (['clerk'] as const) : [])] as const).filter(
    (api) => api !== opener || api === 'clerk',
  );

/** Each API opens, each revokes; the step-up in between goes round among the others. */
const STORIES = APIS.flatMap((opener) =>
  APIS.map((revoker, index) => {
    const provers = proversOf(opener);
    return { opener, prover: provers[index % provers.length]!, revoker };
  }),
);

/** How an API says that nobody is signed in. */
const NOBODY: Readonly<Record<Api, object>> = {
  native: { errors: [{ status: '401', code: 'invalid_auth_token', title: 'Unauthenticated' }] },
  lendix: { error: 'You are not signed in.' },
  clerk: { errors: [{ code: expect.any(String), long_message: expect.any(String) }] },
  portos: { status: 401, errorCode: 1, title: 'Unauthorized' },
  zitadel: { code: 16, message: 'Token is invalid (AUTH-7fs1e)' },
};

/** What each says five minutes after somebody came in by password, and did nothing since. */
const NOT_STEPPED_UP: Readonly<Partial<Record<Api, Said>>> = {
  native: { proved: false, organization: null, metadata: {} },
  lendix: { proved: false, organization: null },
  clerk: { proved: [5, -1], organization: null },
  zitadel: { proved: ['password', 'user'], organization: null, metadata: {} },
};

const statuses = (answers: readonly Response[]) => answers.map(({ status }) => status);

describe('one story through all five APIs', () => {
  it.each(STORIES)(
    'opened by $opener, seen by all, stepped up by $prover, revoked by $revoker, refused everywhere',
    async ({ opener, prover, revoker }) => {
      const cast = await castOf(await one.addUser());
      const { person, seats, backend } = cast;
      const seat = await enter(opener, one, person, backend);
      const { sessionId } = seat;
      const others = APIS.map((api) => seats[api].sessionId);

      // Seen by all, as one that proved a password and nothing since.
      for (const ids of await listedBy(cast)) expect(ids).toEqual([...others, sessionId]);
      letPass(5 * MINUTE);
      const before = await saidOf(cast, sessionId);
      expect(before).toMatchObject(NOT_STEPPED_UP);

      // Stepped up: each says so in its own words, and of this session only.
      const old = seat.token;
      seat.token = await STEP_UPS[prover]!(cast, seat);
      const after = await saidOf(cast, sessionId);
      expect(after).toMatchObject({
        native: { proved: true },
        lendix: { proved: true },
        clerk: { proved: [0, -1] },
        zitadel: { proved: ['otpEmail', 'password', 'user'] },
      });
      expect(after.portos.proved).toBeGreaterThan(before.portos.proved as number);
      const elsewhere = { ...NOT_STEPPED_UP, portos: { proved: 1 } };
      expect(await saidOf(cast, seats.native.sessionId)).toMatchObject(elsewhere);
      expect((await seat.ask(two)).status).toBe(200);
      if (old !== null && old !== seat.token) {
        expect(statuses(await askEverywhere(two, old, person.id))).toEqual([401, 401, 401, 401]);
      }

      // It acts for an organisation, and is given metadata, by the API that can.
      const organization = await addOrganization(two, [person]);
      await actFor(cast, seat, organization.slug, organization.id);
      expect(await saidOf(cast, sessionId)).toMatchObject({
        native: { organization: Number(organization.id), metadata: { shop: 'Graben' } },
        lendix: { organization: { id: toLendixId(organization.id), name: organization.name } },
        clerk: { organization: toClerkId('organization', organization.id) },
        zitadel: { organization: organization.id, metadata: { shop: 'Graben' } },
      });

      // Revoked on one instance, and refused on the other on the very next request; all others live on.
      expect((await seats[revoker].revoke(one, sessionId)).status).toBeLessThan(300);
      const refused = await seat.ask(two);
      expect([refused.status, refused.body]).toMatchObject([401, NOBODY[opener]]);
      if (seat.token !== null) {
        expect(statuses(await askEverywhere(two, seat.token, person.id))).toEqual([401, 401, 401, 401]);
      }
      for (const ids of await listedBy(cast)) expect(ids).toEqual(others);
      const again = await Promise.all(APIS.map((api) => seats[api].revoke(two, sessionId)));
      expect(statuses(again)).toEqual([404, 404, 404, 404, 200]); // ZITADEL's document: what is over may be ended
      expect(statuses(await Promise.all(APIS.map((api) => seats[api].ask(two))))).toEqual([
        200, 200, 200, 200, 200,
      ]);
    },
  );

  it.each(APIS)(
    'revoked by %s amid requests through all: none that is sent after its answer is let in',
    async (revoker) => {
      const { person, seats, backend } = await castOf(await one.addUser());
      const seat = await enter('native', one, person, backend);
      let over = false;
      const heard: { sentAfter: boolean; status: number }[] = [];
      const callers = [one, two].flatMap((on) =>
        Array.from({ length: 2 }, async () => {
          for (let left = 3; left > 0; left -= over ? 1 : 0) {
            const sentAfter = over;
            const answers = await askEverywhere(on, seat.token!, person.id);
            heard.push(...answers.map(({ status }) => ({ sentAfter, status })));
          }
        }),
      );
      await until(() => heard.some(({ status }) => status === 200));
      const revoked = await seats[revoker].revoke(one, seat.sessionId);
      over = true;
      await Promise.all(callers);
      expect(revoked.status).toBeLessThan(300);
      expect(new Set(heard.filter(({ sentAfter }) => sentAfter).map(({ status }) => status))).toEqual(
        new Set([401]),
      );
      for (const { status } of heard) expect([200, 401]).toContain(status);
    },
  );

  it('signed in with a second factor through each: each says of every session that both were proved', async () => {
    const person = await asCareful(one);
    two.clock.move(30_000); // as `enableTwoFactor` moved the other one's
    const cast = await castOf(person, nextCodeOf(person));
    for (const api of APIS) {
      const { sessionId } = cast.seats[api];
      const said = await saidOf(cast, sessionId);
      expect(said).toMatchObject({
        native: { proved: true },
        lendix: { proved: true },
        clerk: { proved: [expect.any(Number), expect.any(Number)] },
        zitadel: { proved: ['password', 'totp', 'user'] },
      });
      expect(Math.min(...(said.clerk.proved as number[]))).toBeGreaterThanOrEqual(0);
      const { body } = await two.get(`/api/v2/sessions/${sessionId}`, cast.seats.native.token).expect(200);
      expect(body.data.attributes.two_factor_auth).toBe(true);
    }
  });
});

describe('a session that owes its second factor', () => {
  it.each<[string, (cast: Cast) => Promise<{ token: string | null; browser?: ClerkBrowser }>]>([
    ['native', ({ person }) => one.signIn(person)],
    [
      'lendix',
      async ({ person: { email, password } }) => {
        const { body } = await lendix(one, 'post', '/sessions', null, { email, password }).expect(200);
        const hex = body.session.token as string;
        return { token: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') };
      },
    ],
    [
      'zitadel',
      async ({ person, backend }) => {
        const checks = { user: { userId: person.id }, password: { password: person.password } };
        const { body } = await new ZitadelClient(one).create(backend.token, { checks }).expect(201);
        return { token: body.sessionToken as string };
      },
    ],
    [
      'clerk',
      async ({ person: { email, password } }) => {
        const browser = new ClerkBrowser(one);
        const { body } = await browser.post('/client/sign_ins', { identifier: email, password }).expect(200);
        expect(body.response).toMatchObject({ status: 'needs_second_factor', created_session_id: null });
        return { token: null, browser };
      },
    ],
  ])('SECURITY 23: opened by %s, is live in none of the five', async (_api, open) => {
    const person = await asCareful(one);
    two.clock.move(30_000);
    const cast = await castOf(person, nextCodeOf(person));
    const { token, browser } = await open(cast);
    const [pending] = await two.sql<{ id: string }>(
      `SELECT id FROM sessions WHERE user_id = $1 AND status = 'pending_otp'`,
      [person.id],
    );
    const { id } = pending!;

    if (token !== null) {
      const calls = [...readsWith(two, token, person.id), ...writesWith(two, token, person.id, id)];
      const mayNot = calls.filter(([call]) => !ENDS_ITSELF.includes(call));
      for (const [call, { status }] of await answersOf(mayNot)) {
        expect({ call, refused: [401, 403].includes(status) }).toEqual({ call, refused: true });
      }
    }
    const held = browser ?? new ClerkBrowser(one);
    for (const path of ['tokens', 'touch', 'end', 'remove', 'verify']) {
      const { status } = await held.post(`/client/sessions/${toClerkId('session', id)}/${path}`);
      expect({ path, refused: [400, 401, 404].includes(status) }).toEqual({ path, refused: true });
    }

    for (const ids of await listedBy(cast)) expect(ids).not.toContain(id);
    for (const api of APIS) await cast.seats[api].revoke(two, id);
    const [left] = await two.sql<{ status: string }>('SELECT status FROM sessions WHERE id = $1', [id]);
    expect(left).toEqual({ status: 'pending_otp' });
  });
});

describe('a read-only credential', () => {
  let holder: SignedInPerson;

  beforeAll(async () => {
    holder = await one.asAdmin(); // whatever the rights of its user
  });

  it.each<[string, () => Promise<string>]>([
    ['machine token', () => mintMachine(one, holder.token, true)],
    ['JWT', () => mintJwt(one, holder.token)],
  ])(
    'SECURITY 79: a read-only %s reads through every API, and changes nothing through any',
    async (_kind, mint) => {
      const token = await mint();
      expect(statuses(await askEverywhere(two, token, holder.id))).toEqual([200, 200, 200, 200]);
      for (const [call, { status }] of await answersOf(writesWith(two, token, holder.id, holder.sessionId))) {
        expect({ call, status }).toEqual({ call, status: 403 });
      }
      const end = `/client/sessions/${toClerkId('session', holder.sessionId)}/end?_is_native=1`;
      const app = new ClerkBrowser(two).call('post', end).unset('Origin').type('form');
      await app.set('Authorization', token).expect(401); // it is no browser's credential
      const shown = `/api/v2/sessions/${holder.sessionId}?fields[sessions]=version,note`;
      const { body } = await two.get(shown, holder.token).expect(200);
      expect(body.data.attributes).toEqual({ version: 1, note: null });
    },
  );
});

/** The next code of somebody's app: each is good once. */
function nextCodeOf({ secret }: Careful): () => string {
  return () => {
    letPass(30_000);
    return one.codeNow(secret);
  };
}

/** Chooses an organisation by the API that holds the session where it can, and gives it metadata natively. */
async function actFor({ seats }: Cast, seat: Seat, slug: string, organizationId: string): Promise<void> {
  const byBrowser = seat.api === 'clerk';
  if (byBrowser) {
    const browser = Object.assign(new ClerkBrowser(one), seat);
    const path = `/client/sessions/${toClerkId('session', seat.sessionId)}/touch`;
    await browser.post(path, { active_organization_id: slug }).expect(200);
  }
  const chosen = byBrowser ? {} : { organization_id: organizationId };
  const attributes = { metadata: { shop: 'Graben' }, ...chosen };
  const path = `/api/v2/sessions/${seat.sessionId}`;
  await one
    .patch(path, seats.native.token, document('sessions', attributes, { id: seat.sessionId }))
    .expect(200);
}

type Call = readonly [name: string, send: () => PromiseLike<Response>];

/** One after the other, so that none hides behind another. */
async function answersOf(calls: readonly Call[]): Promise<[string, Response][]> {
  const answers: [string, Response][] = [];
  for (const [name, send] of calls) answers.push([name, await send()]);
  return answers;
}

/** All that a session may do which owes its second factor, beside giving it. */
const ENDS_ITSELF = ['native DELETE', 'lendix DELETE'];

/** Everything that can be read with a token. */
function readsWith(on: Latchkey, token: string, userId: string): Call[] {
  const seat = { token, userId };
  const portos = new PortosClient(on);
  return [
    ['native current', () => on.get('/api/v2/sessions/current', token)],
    ['native list', () => on.get('/api/v2/sessions', token)],
    ['native me', () => on.get('/api/v2/users/me', token)],
    ['native organizations', () => on.get('/api/v2/organizations', token)],
    ['native JWT', () => on.post('/api/v2/sessions/jwt', token)],
    ['lendix list', () => lendix(on, 'get', '/sessions', seat)],
    ['portos profile', () => portos.get('/api/auth', token)],
    ['portos list', () => portos.get('/sessions', token)],
    ['zitadel search', () => new ZitadelClient(on).search(token)],
  ];
}

/** Everything that can be done with a token to a session of its user. */
function writesWith(on: Latchkey, token: string, userId: string, id: string): Call[] {
  const seat = { token, userId };
  const [portos, zitadel] = [new PortosClient(on), new ZitadelClient(on)];
  const path = `/api/v2/sessions/${id}`;
  const lendixPath = `/sessions/${toLendixId(id)}`;
  return [
    ['native PATCH', () => on.patch(path, token, document('sessions', { note: 'x' }, { id }))],
    ['native revoke', () => on.post('/api/v2/sessions/revoke', token)],
    ['native machine', () => on.post('/api/v2/sessions/machine', token, document('sessions', { name: 'x' }))],
    ['native verification', () => startVerification(on, { sessionId: id, token }, { level: 'first_factor' })],
    ['native DELETE', () => on.delete(path, token)],
    ['lendix secured', () => lendix(on, 'post', lendixPath, seat, { secured: true, codeOrigin: 'email' })],
    ['lendix DELETE', () => lendix(on, 'delete', lendixPath, seat)],
    ['portos sign-out', () => portos.delete('/api/auth', token)],
    ['portos DELETE', () => portos.delete(`/sessions/${toPortosId(id)}`, token)],
    ['portos DELETE below api', () => portos.delete(`/api/sessions/${toPortosId(id)}`, token)],
    ['zitadel create', () => zitadel.create(token, { checks: { user: { userId } } })],
    ['zitadel set', () => zitadel.set(id, token, { metadata: { a: 'YQ==' } })],
    ['zitadel delete', () => zitadel.delete(id, token)],
  ];
}
