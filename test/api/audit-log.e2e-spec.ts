import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PinoLogger } from 'nestjs-pino';
import { AuditLog } from '../../src/events/audit-log.js';
import { currentRequestId } from '../../src/http/request-id.js';
import { writtenEvents } from '../support/events.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, forgetAttempts, validateOtp, wrongCode } from '../support/second-factor.js';
import { attempt, startVerification } from '../support/step-up.js';

let latchkey: Latchkey;
let person: SignedInPerson;
let admin: SignedInPerson;
/** Each line as it would be written. */
const lines: Record<string, unknown>[] = [];
const requestIds: unknown[] = [];
/** All of a test, also those that it has looked at. */
let told: Record<string, unknown>[] = [];
let rowsBefore = 0;
/** All that was written in this file. */
let written = '';
const tokens: string[] = [];

beforeAll(async () => {
  latchkey = await Latchkey.start();
  admin = await latchkey.asAdmin();
  jest.spyOn(PinoLogger.prototype, 'info').mockImplementation((fields: unknown) => {
    const json = JSON.stringify(fields);
    if (!(fields as { audit?: boolean }).audit) return;
    lines.push(JSON.parse(json));
    told.push(JSON.parse(json));
    requestIds.push(currentRequestId());
    written += `${json}\n`;
  });
});
afterAll(async () => {
  jest.restoreAllMocks();
  await latchkey.stop();
});
beforeEach(async () => {
  person = await latchkey.asUser();
  tokens.push(person.token);
  lines.length = 0;
  requestIds.length = 0;
  rowsBefore = (await writtenEvents(latchkey)).length;
  told = [];
});
/** Whatever the log says the table says too, and no more: each as often as it happened. */
afterEach(async () => {
  const rows = (await writtenEvents(latchkey)).slice(rowsBefore);
  const said = told.map(({ audit: _, ip: __, count = null, ...line }) => ({ ...line, count }));
  const kept = rows.flatMap(({ action, outcome, reason, userId, sessionId, actorId, name, count }) => {
    const row = { action, outcome, reason, userId, sessionId, by: actorId, name, count };
    const isOften = action !== 'session.revoke_many' && count !== null;
    return isOften ? Array.from({ length: count }, () => ({ ...row, count: null })) : [row];
  });
  const sorted = (facts: object[]) =>
    facts
      .map((fact) =>
        Object.entries(fact)
          .filter(([, value]) => value !== null)
          .sort()
          .join(' '),
      )
      .sort();
  expect(sorted(kept)).toEqual(sorted(said));
});

const signIn = (email: string, password: string) =>
  latchkey.post('/api/v2/sessions', null, document('sessions', { email, password }));

/** That exactly one line was written, that it says this, and where it came from. */
function expectLine(line: object): void {
  expect(lines).toEqual([{ audit: true, ip: expect.stringContaining('127.0.0.1'), ...line }]);
}

describe('SECURITY 171: one line', () => {
  it('for a sign-in', async () => {
    const { body } = await signIn(person.email, PASSWORD).expect(201);
    expectLine({ action: 'session.open', userId: person.id, sessionId: body.data.id, outcome: 'ok' });
  });

  it('for a failed sign-in', async () => {
    await signIn(person.email, 'not the password').expect(401);
    expectLine({ action: 'session.open', outcome: 'refused', reason: 'unauthenticated' });
  });

  it('for a sign-in past the limit', async () => {
    for (let tries = 0; tries < 10; tries++) await signIn(person.email, 'not the password').expect(401);
    lines.length = 0;
    await signIn(person.email, PASSWORD).expect(429);
    expectLine({ action: 'session.open', outcome: 'refused', reason: 'too_many_sign_ins' });
    await forgetAttempts(latchkey);
  });

  it('for a second factor that was proved, and for one that was not', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await latchkey.signIn(careful);
    lines.length = 0;
    await validateOtp(latchkey, sessionId, { otp: wrongCode(latchkey, careful.secret) }).expect(422);
    expectLine({ action: 'session.validate_otp', sessionId, outcome: 'refused', reason: 'wrong_code' });
    lines.length = 0;
    await validateOtp(latchkey, sessionId, { otp: latchkey.codeNow(careful.secret) }).expect(200);
    expectLine({ action: 'session.validate_otp', userId: careful.id, sessionId, outcome: 'ok' });
  });

  it('for a recovery code that was used', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await latchkey.signIn(careful);
    lines.length = 0;
    await validateOtp(latchkey, sessionId, { otp: careful.recoveryCodes[0] }).expect(200);
    expect(lines).toMatchObject([
      { action: 'recovery_code.use', userId: careful.id, outcome: 'ok' },
      { action: 'session.validate_otp', userId: careful.id, sessionId, outcome: 'ok' },
    ]);
  });

  it('for a second factor that was turned on', async () => {
    await latchkey.enableTwoFactor(person);
    expectLine({ action: 'two_factor.enable', userId: person.id, by: person.id, outcome: 'ok' });
  });

  it('for a session that was renewed, and for one that was not', async () => {
    const { email } = person;
    const renewable = document('sessions', { email, password: PASSWORD, refreshable: true });
    const { body } = await latchkey.post('/api/v2/sessions', null, renewable).expect(201);
    const { token } = body.data.attributes;
    tokens.push(token, body.meta.refresh_token);
    const path = '/api/v2/sessions/refresh';
    lines.length = 0;
    await latchkey.post(path, token, document('sessions', { refresh_token: 'x' })).expect(401);
    expectLine({ action: 'session.renew', outcome: 'refused', reason: 'unauthenticated' });
    lines.length = 0;
    const renewed = await latchkey.post(path, token, document('sessions', body.meta)).expect(200);
    tokens.push(renewed.body.data.attributes.token, renewed.body.meta.refresh_token);
    expectLine({ action: 'session.renew', userId: person.id, sessionId: body.data.id, outcome: 'ok' });
  });

  it('for a session that was given up, since the code that it owed did not come along', async () => {
    const careful = await asCareful(latchkey);
    lines.length = 0;
    const { email: userName } = careful;
    const sent = JSON.stringify({ userName, password: PASSWORD, deviceName: 'P01' });
    const call = latchkey.post('/portos/api/auth', null).set('Content-Type', 'application/json');
    await call.send(sent).expect(401);
    expect(lines).toMatchObject([
      { action: 'session.open', userId: careful.id, outcome: 'ok' },
      { action: 'session.end', userId: careful.id, by: careful.id, outcome: 'ok' },
    ]);
  });

  it('for a machine token, and for a JWT', async () => {
    const body = document('sessions', { name: 'ci' });
    const { body: minted } = await latchkey.post('/api/v2/sessions/machine', person.token, body).expect(201);
    expectLine({
      action: 'machine_token.create',
      userId: person.id,
      sessionId: minted.data.id,
      outcome: 'ok',
    });
    lines.length = 0;
    await latchkey.post('/api/v2/sessions/jwt', person.token).expect(201);
    expectLine({ action: 'jwt.create', userId: person.id, sessionId: person.sessionId, outcome: 'ok' });
  });

  it('for a step-up, for a code that was sent for one, and for a proof that was wrong', async () => {
    const start = { level: 'first_factor', strategy: 'email_code' };
    const { body } = await startVerification(latchkey, person, start).expect(201);
    expectLine({ action: 'code.send', userId: person.id, outcome: 'ok' });
    const about = { action: 'session.step_up', userId: person.id, sessionId: person.sessionId };
    lines.length = 0;
    const wrong = { strategy: 'password', password: 'not the password' };
    await attempt(latchkey, person.token, body.data.id, wrong).expect(422);
    expectLine({ ...about, outcome: 'refused', reason: 'wrong_password' });
    lines.length = 0;
    const right = { strategy: 'password', password: PASSWORD };
    await attempt(latchkey, person.token, body.data.id, right).expect(200);
    expectLine({ ...about, outcome: 'ok' });
  });

  it('for a machine token that a step-up was owed for, minted or renamed', async () => {
    const draft = document('sessions', { name: 'ci' });
    const { body } = await latchkey.post('/api/v2/sessions/machine', person.token, draft).expect(201);
    latchkey.clock.move(3_600_000);
    const refused = { userId: person.id, outcome: 'refused', reason: 'step_up_required' };
    lines.length = 0;
    await latchkey.post('/api/v2/sessions/machine', person.token, draft).expect(403);
    expectLine({ action: 'machine_token.create', sessionId: person.sessionId, ...refused });
    lines.length = 0;
    const { id } = body.data;
    const renamed = document('sessions', { name: 'other' }, { id });
    await latchkey.patch(`/api/v2/sessions/${id}`, person.token, renamed).expect(403);
    expectLine({ action: 'session.describe', sessionId: id, by: person.id, ...refused });
    admin = await latchkey.asAdmin();
  });

  it('for a session that ended, with whose it was and by whom', async () => {
    for (const { by, target } of [
      { by: admin, target: await latchkey.asUser() },
      { by: person, target: person },
    ]) {
      lines.length = 0;
      await latchkey.delete(`/api/v2/sessions/${target.sessionId}`, by.token).expect(204);
      const about = { userId: target.id, sessionId: target.sessionId, by: by.id };
      expectLine({ action: 'session.end', ...about, outcome: 'ok' });
    }
  });

  it('for many sessions that were revoked at once, with how many', async () => {
    await latchkey.signIn(person);
    await latchkey.signIn(person);
    lines.length = 0;
    await latchkey.post('/api/v2/sessions/revoke', person.token).expect(200);
    const about = { userId: person.id, by: person.id, count: 2 };
    expectLine({ action: 'session.revoke_many', ...about, outcome: 'ok' });
  });

  it.each([
    ['user.update', { first_name: 'Ada' }],
    ['user.new_credentials', { password: 'a brand new passphrase', current_password: PASSWORD }],
  ])('for a right that was used on somebody else (%s)', async (action, attributes) => {
    const body = document('users', attributes, { id: person.id });
    await latchkey.patch(`/api/v2/users/${person.id}`, admin.token, body).expect(200);
    expectLine({ action, userId: person.id, by: admin.id, outcome: 'ok' });
  });

  it('for a user who was added, and for one who was closed', async () => {
    const body = document('users', { email: 'audited@example.com', password: 'a long passphrase' });
    const { body: created } = await latchkey.post('/api/v2/users', admin.token, body).expect(201);
    const about = { userId: created.data.id, by: admin.id, outcome: 'ok' };
    expectLine({ action: 'user.create', ...about });
    lines.length = 0;
    await latchkey.delete(`/api/v2/users/${created.data.id}`, admin.token).expect(204);
    expectLine({ action: 'user.close', ...about });
  });

  it('for somebody else’s session that was renamed', async () => {
    const body = document('sessions', { note: 'seen' }, { id: person.sessionId });
    await latchkey.patch(`/api/v2/sessions/${person.sessionId}`, admin.token, body).expect(200);
    const about = { userId: person.id, sessionId: person.sessionId, by: admin.id };
    expectLine({ action: 'session.describe', ...about, outcome: 'ok' });
  });

  it('for a current password that was wrong', async () => {
    const attributes = { password: 'a brand new passphrase', current_password: 'not the password' };
    const body = document('users', attributes, { id: person.id });
    await latchkey.patch(`/api/v2/users/${person.id}`, person.token, body).expect(422);
    expectLine({
      action: 'user.prove_password',
      userId: person.id,
      outcome: 'refused',
      reason: 'wrong_password',
    });
  });

  it('for each refused authorisation', async () => {
    const reader = await latchkey.asUser({ rights: ['user.read', 'session.read'] });
    const pending = await latchkey.signIn(await asCareful(latchkey));
    const machine = document('sessions', { name: 'ci', read_only: true });
    const minted = await latchkey.post('/api/v2/sessions/machine', person.token, machine).expect(201);
    const readOnly: string = minted.body.data.attributes.token;
    const newcomer = document('users', { email: 'x@example.com', password: 'a long passphrase' });
    lines.length = 0;

    await latchkey.delete(`/api/v2/sessions/${person.sessionId}`, reader.token).expect(403);
    await latchkey.delete(`/api/v2/users/${person.id}`, reader.token).expect(403);
    await latchkey.post('/api/v2/users', reader.token, newcomer).expect(403);
    await latchkey.get('/api/v2/sessions', pending.token).expect(403);
    await latchkey.post('/api/v2/sessions/revoke', readOnly).expect(403);

    const refused = { audit: true, outcome: 'refused' };
    expect(lines).toMatchObject([
      { ...refused, action: 'session.end', userId: person.id, by: reader.id, reason: 'forbidden' },
      { ...refused, action: 'user.close', userId: person.id, by: reader.id, reason: 'forbidden' },
      { ...refused, action: 'user.create', by: reader.id, reason: 'forbidden' },
      { ...refused, action: 'request', sessionId: pending.sessionId, reason: 'otp_required' },
      { ...refused, action: 'request', userId: person.id, reason: 'read_only_session' },
    ]);
  });
});

describe('SECURITY 171: a line', () => {
  it('carries the id of its request', async () => {
    const { headers } = await signIn(person.email, PASSWORD).expect(201);
    expect(requestIds).toEqual([headers['x-request-id']]);
  });

  it('holds no control character, whatever it is about', () => {
    latchkey.app.get(AuditLog).record({
      action: 'session.open',
      userId: '1\r\n{"audit":true}',
      ip: '\u001b[2J\u001b]0;title\u0007',
      reason: '\u009b31m\u2028\u2029\0',
      outcome: 'refused',
    });
    expect(JSON.stringify(lines)).not.toMatch(/\\[nrtbfu0]|[\p{Cc}\p{Zl}\p{Zp}]/u);
    told = told.map((line) => ({ ...line, userId: null })); // no id: the table has no such column
  });

  it('holds nothing that the client wrote: no name, no address, no agent', async () => {
    const attributes = {
      email: person.email,
      password: PASSWORD,
      name: 'wr1tten\u001b[31m',
      note: 'wr1tten',
    };
    const test = latchkey.post('/api/v2/sessions', null, document('sessions', attributes));
    await test.set('User-Agent', 'wr1tten').expect(201);
    await signIn('wr1tten@example.com', 'wr1tten').expect(401);
    expect(written).not.toMatch(/wr1tten|@example/);
  });

  it('holds no secret, nor does the table', async () => {
    written += JSON.stringify(await writtenEvents(latchkey));
    expect(written.split('\n').length).toBeGreaterThan(20);
    for (const secret of [PASSWORD, 'not the password', 'passphrase', ...tokens]) {
      expect(written).not.toContain(secret);
    }
  });
});
