import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadGrowth } from '../../bench/growth-population.js';
import { OPERATOR } from '../../src/caller.js';
import { activityByHand } from '../support/activity.js';
import { APIS, enter } from '../support/apis.js';
import { ClerkBrowser, ORIGIN } from '../support/clerk-browser.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { addOrganization, organizationsOf } from '../support/organizations.js';
import { asCareful, validateOtp } from '../support/second-factor.js';
import { watchStatements } from '../support/statements.js';
import { attempt, startVerification } from '../support/step-up.js';
import { asBackend, ZitadelClient } from '../support/zitadel.js';

jest.setTimeout(120_000);

const SESSIONS = 100_000;
/** What there is most of beside the sessions and users: so many that no plan reads them all without need. */
const MORE = [
  `INSERT INTO events (action, outcome, user_id, session_id, created_at)
   SELECT 'session.open', 'ok', user_id, id, created_at FROM sessions`,
  `INSERT INTO memberships (organization_id, user_id, role, created_at, updated_at)
   SELECT o.id, u.id, 'member', now(), now() FROM users u, (SELECT min(id) AS id FROM organizations) o`,
  `INSERT INTO sign_in_attempts (browser_id, identifier, status, created_at, updated_at, expires_at)
   SELECT id, 'x', 'needs_first_factor', now(), now(), now() + interval '10 minutes' FROM browsers`,
  'ANALYZE',
];
const LARGE = ['sessions', 'users', 'events', 'browsers', 'memberships', 'sign_in_attempts'];

const PLANNED = /^\s*(WITH|SELECT|INSERT|UPDATE|DELETE)\b/;

const statements = watchStatements();
let latchkey: Latchkey;
let backend: SignedInPerson;
let person: SignedInPerson;
let admin: SignedInPerson;
let writeActivity: () => Promise<void>;

beforeAll(async () => {
  latchkey = await Latchkey.start({ ALLOWED_ORIGINS: ORIGIN });
  await loadGrowth((text, values = []) => latchkey.sql(text, [...values]), SESSIONS);
  writeActivity = activityByHand(latchkey);
  for (const statement of MORE) await latchkey.sql(statement);
  backend = await asBackend(latchkey);
  admin = await latchkey.asAdmin();
  person = await latchkey.asUser();
});
afterAll(async () => {
  await latchkey?.stop();
  statements.restore();
});

const changed = (id: string, attributes: object) => document('users', attributes, { id });

/** What concerns one session, one user, one browser or one organisation. */
const ACTS: readonly [string, () => Promise<unknown>][] = [
  ...APIS.map((api): [string, () => Promise<void>] => [
    `signing in, asking, listing and ending through the API of ${api}`,
    async () => {
      const seat = await enter(api, latchkey, person, backend);
      await seat.ask(latchkey);
      await seat.sessionIds(latchkey);
      await seat.describe(latchkey, seat.sessionId);
      expect((await seat.revoke(latchkey, seat.sessionId)).status).toBeLessThan(300);
    },
  ]),
  [
    'another password, and another address',
    async () => {
      const { id, token } = await latchkey.asUser();
      const path = `/api/v2/users/${id}`;
      const password = { password: 'another battery staple', current_password: PASSWORD };
      await latchkey.patch(path, token, changed(id, password)).expect(200);
      await latchkey.patch(
        path,
        admin.token,
        changed(id, { email: `p${id}@example.com`, current_password: PASSWORD }),
      );
      await latchkey.delete(path, admin.token).expect(204);
    },
  ],
  [
    'a second factor that is set up, and signed in with',
    async () => {
      const careful = await asCareful(latchkey);
      const { sessionId } = await latchkey.signIn(careful);
      latchkey.clock.move(30_000);
      await validateOtp(latchkey, sessionId, { otp: latchkey.codeNow(careful.secret) }).expect(200);
    },
  ],
  [
    'a step-up',
    async () => {
      const started = await startVerification(latchkey, person, { level: 'first_factor' }).expect(201);
      const proof = { strategy: 'password', password: PASSWORD };
      await attempt(latchkey, person.token, started.body.data.id as string, proof).expect(200);
    },
  ],
  [
    'machine tokens, JWTs, renewal, and the end of all one’s own',
    async () => {
      const { email, password } = person;
      const draft = document('sessions', { email, password, refreshable: true });
      const opened = (await latchkey.post('/api/v2/sessions', null, draft).expect(201)).body;
      const { token } = opened.data.attributes;
      await latchkey
        .post('/api/v2/sessions/machine', token, document('sessions', { name: 'job' }))
        .expect(201);
      const { jwt } = (await latchkey.post('/api/v2/sessions/jwt', token).expect(201)).body;
      await latchkey.get('/api/v2/sessions?include=user', jwt).expect(200);
      const named = document('sessions', { name: 'x' }, { id: opened.data.id });
      await latchkey.patch(`/api/v2/sessions/${opened.data.id}`, token, named).expect(200);
      const refresh = document('sessions', opened.meta);
      const next = await latchkey.post('/api/v2/sessions/refresh', token, refresh).expect(200);
      await latchkey.post('/api/v2/sessions/revoke', next.body.data.attributes.token).expect(200);
    },
  ],
  [
    'a browser with several people',
    async () => {
      const browser = new ClerkBrowser(latchkey);
      await browser.signIn(person);
      const id = await browser.signIn(await latchkey.addUser());
      await browser.post(`/client/sessions/${id}/touch`).expect(200);
      await browser.get('/client').expect(200);
      await browser.delete('/client').expect(200);
    },
  ],
  [
    'the use of a session, and its stamp',
    async () => {
      const { token } = await latchkey.signIn(person);
      latchkey.clock.move(120_000);
      await latchkey.get('/api/v2/sessions/current', token).expect(200);
      await writeActivity();
    },
  ],
  [
    'an organisation that somebody leaves',
    async () => {
      const { id } = await addOrganization(latchkey, [person]);
      await organizationsOf(latchkey).removeMember(OPERATOR, id, person.id);
    },
  ],
  [
    'a session that is put together',
    async () => {
      const client = new ZitadelClient(latchkey);
      const { sessionId } = await client.name(backend.token, person);
      await client
        .set(sessionId, backend.token, { checks: { password: { password: PASSWORD } } })
        .expect(200);
    },
  ],
];

describe(`at ${SESSIONS.toLocaleString('en')} sessions no table is read whole`, () => {
  it.each(ACTS)('for %s', async (_, act) => {
    const asked = await statements.during(act);
    const service = asked.filter(({ name, isOfRequest }) => name !== undefined || isOfRequest);
    const planned = new Map(service.filter(({ text }) => PLANNED.test(text)).map((one) => [one.text, one]));
    const whole: string[] = [];
    for (const { text, values } of planned.values()) {
      const plan = await latchkey.sql<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, [...values]);
      const lines = plan.map((line) => line['QUERY PLAN']).join('\n');
      const scanned = [...lines.matchAll(/Seq Scan on (\w+)/g)].map(([, table]) => table!);
      if (scanned.some((table) => LARGE.includes(table))) whole.push(`${text}\n${lines}`);
    }
    expect(planned.size).toBeGreaterThan(0);
    expect(whole).toEqual([]);
  });
});
