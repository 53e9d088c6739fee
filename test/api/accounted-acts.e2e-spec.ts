import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { OPERATOR } from '../../src/caller.js';
import { AuditLog } from '../../src/events/audit-log.js';
import { KeysService } from '../../src/keys/keys.service.js';
import { EnrollmentsService } from '../../src/otp/enrollments.service.js';
import { OrganizationsService } from '../../src/users/organizations.service.js';
import { UsersService } from '../../src/users/users.service.js';
import { writtenEvents } from '../support/events.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, validateOtp, type Careful } from '../support/second-factor.js';
import { attempt, startVerification } from '../support/step-up.js';

let latchkey: Latchkey;
let admin: SignedInPerson;
let careful: Careful;
let pending: { sessionId: string; token: string };
let renewable: { id: string; token: string; refreshToken: string };
let verificationId: string;
let clerk: string;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  // What every INSERT meets while the switch is on: as if the disk were full.
  await latchkey.sql('CREATE TABLE switch (is_on boolean NOT NULL)');
  await latchkey.sql('INSERT INTO switch VALUES (false)');
  await latchkey.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT is_on FROM switch) THEN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END IF;
    RETURN NEW; END $$`);
  await latchkey.sql('CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()');
});
afterAll(() => latchkey.stop());

beforeEach(async () => {
  await latchkey.sql('UPDATE switch SET is_on = false');
  admin = await latchkey.asAdmin();
  careful = await asCareful(latchkey);
  pending = await latchkey.signIn(careful);
  const { email } = admin;
  const wanted = document('sessions', { email, password: PASSWORD, refreshable: true });
  const { body } = await latchkey.post('/api/v2/sessions', null, wanted).expect(201);
  const { token } = body.data.attributes;
  renewable = { id: body.data.id, token, refreshToken: body.meta.refresh_token };
  const start = await startVerification(latchkey, admin, { level: 'first_factor' }).expect(201);
  verificationId = start.body.data.id;
  clerk = `address${admin.id}@example.com`;
  await latchkey.app.get(AuditLog).flush();
});

/** Everything that an act can change, but for what says how often something was tried or used. */
const whole = () =>
  latchkey.sql(
    `SELECT (SELECT json_agg(u ORDER BY id) FROM users u) AS users,
       (SELECT json_agg(to_jsonb(s) - '{last_activity_at,expires_at,otp_attempts,write_mark}'::text[] ORDER BY id)
        FROM sessions s) AS sessions,
       (SELECT json_agg(e ORDER BY id) FROM otp_enrollments e) AS enrollments,
       (SELECT json_agg(c ORDER BY id) FROM recovery_codes c) AS recovery_codes,
       (SELECT json_agg(c ORDER BY id) FROM sent_codes c) AS sent_codes,
       (SELECT json_agg(to_jsonb(v) - 'attempts' - 'first_strategy' ORDER BY id) FROM verifications v) AS verifications,
       (SELECT json_agg(b ORDER BY id) FROM browsers b) AS browsers,
       (SELECT json_agg(o ORDER BY id) FROM organizations o) AS organizations,
       (SELECT json_agg(m ORDER BY id) FROM memberships m) AS memberships,
       (SELECT json_agg(k ORDER BY kid) FROM signing_keys k) AS keys,
       (SELECT count(*)::int FROM events) AS events`,
  );

const json = (path: string, body: object, token: string | null = null) =>
  latchkey.post(path, token).set('Content-Type', 'application/json').send(JSON.stringify(body));
const codeNow = () => latchkey.codeNow(careful.secret);
const attributes = (type: string, named: object, id?: string) => document(type, named, id ? { id } : {});
const session = () => `/api/v2/sessions/${careful.sessionId}`;
const user = () => `/api/v2/users/${careful.id}`;
const signIn = () => attributes('sessions', { email: admin.email, password: PASSWORD });
const newUser = () => attributes('users', { email: clerk, password: 'a long passphrase' });

/** Each act, by the event that it leaves. */
const ACTS: readonly (readonly [string, () => Promise<{ status: number }>])[] = [
  ['session.open', () => latchkey.post('/api/v2/sessions', null, signIn())],
  ['session.open (Lendix)', () => json('/lendix/sessions', { email: admin.email, password: PASSWORD })],
  ['session.validate_otp', () => validateOtp(latchkey, pending.sessionId, { otp: codeNow() })],
  ['recovery_code.use', () => validateOtp(latchkey, pending.sessionId, { otp: careful.recoveryCodes[0] })],
  [
    'session.compose',
    () => json('/zitadel/v2/sessions', { checks: { user: { userId: careful.id } } }, admin.token),
  ],
  [
    'session.step_up',
    () => attempt(latchkey, admin.token, verificationId, { strategy: 'password', password: PASSWORD }),
  ],
  ['code.send', () => startVerification(latchkey, admin, { level: 'first_factor', strategy: 'email_code' })],
  [
    'session.describe',
    () => latchkey.patch(session(), admin.token, attributes('sessions', { note: 'x' }, careful.sessionId)),
  ],
  [
    'session.renew',
    () =>
      latchkey.post(
        '/api/v2/sessions/refresh',
        renewable.token,
        attributes('sessions', { refresh_token: renewable.refreshToken }),
      ),
  ],
  ['session.end', () => latchkey.delete(session(), admin.token)],
  ['session.revoke_many', () => latchkey.post('/api/v2/sessions/revoke', admin.token)],
  [
    'machine_token.create',
    () => latchkey.post('/api/v2/sessions/machine', admin.token, attributes('sessions', { name: 'ci' })),
  ],
  [
    'two_factor.disable',
    () =>
      latchkey.delete(
        `/api/v2/otp_enrollments/${careful.enrollmentId}`,
        careful.token,
        attributes('otp_enrollments', { password: PASSWORD, otp: codeNow() }),
      ),
  ],
  [
    'recovery_codes.renew',
    () =>
      latchkey.post(
        `/api/v2/otp_enrollments/${careful.enrollmentId}/recovery_codes`,
        careful.token,
        attributes('otp_enrollments', { password: PASSWORD, otp: codeNow() }),
      ),
  ],
  ['user.create', () => latchkey.post('/api/v2/users', admin.token, newUser())],
  [
    'user.update',
    () => latchkey.patch(user(), admin.token, attributes('users', { first_name: 'x' }, careful.id)),
  ],
  [
    'user.new_credentials',
    () =>
      latchkey.patch(
        user(),
        careful.token,
        attributes('users', { password: 'a new passphrase', current_password: PASSWORD }, careful.id),
      ),
  ],
  ['user.close', () => latchkey.delete(user(), admin.token)],
  [
    'user.set_rights',
    () =>
      byOperator((app) =>
        app.get(UsersService, { strict: false }).setRights(OPERATOR, careful.id, ['user.read']),
      ),
  ],
  [
    'two_factor.disable (by the command line)',
    () =>
      byOperator(async (app) => {
        const found = await app.get(UsersService, { strict: false }).find(careful.id);
        await app.get(EnrollmentsService, { strict: false }).reset(OPERATOR, found!);
      }),
  ],
  [
    'organization.create',
    () =>
      byOperator((app) =>
        app
          .get(OrganizationsService, { strict: false })
          .create(OPERATOR, { name: 'x', slug: `o${admin.id}`, metadata: {} }),
      ),
  ],
  ['keys.rotate', () => byOperator((app) => app.get(KeysService, { strict: false }).rotate(false))],
];

/** What the command line does, as if it were answered. */
async function byOperator(act: (app: Latchkey['app']) => Promise<unknown>): Promise<{ status: number }> {
  try {
    await act(latchkey.app);
    return { status: 200 };
  } catch (error) {
    return { status: (error as { code?: string }).code === '53100' ? 503 : 500 };
  }
}

describe('SECURITY 172: an act and its event', () => {
  it.each(ACTS)('are written together, or neither is: %s', async (name, act) => {
    const [action] = name.split(' ');
    await latchkey.sql('UPDATE switch SET is_on = true');
    const before = await whole();
    expect((await act()).status).toBe(503);
    expect(await whole()).toEqual(before);

    await latchkey.sql('UPDATE switch SET is_on = false');
    await latchkey.sql('TRUNCATE code_sendings');
    const events = await writtenEvents(latchkey);
    expect((await act()).status).toBeLessThan(300);
    const written = (await writtenEvents(latchkey)).slice(events.length);
    expect(written.filter((event) => event.action === action && event.outcome === 'ok')).toHaveLength(1);
  });

  it('are each there once, however many ask for the same', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => (await latchkey.delete(session(), admin.token)).status),
    );
    expect(statuses.filter((status) => status === 204)).toHaveLength(1);
    const ends = (await writtenEvents(latchkey)).filter(
      ({ action, sessionId, outcome }) =>
        action === 'session.end' && sessionId === careful.sessionId && outcome === 'ok',
    );
    expect(ends).toHaveLength(1);
  });
});
