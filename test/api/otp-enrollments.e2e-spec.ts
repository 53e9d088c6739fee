import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import type { Response } from 'supertest';
import { OPERATOR } from '../../src/caller.js';
import { EnrollmentsService } from '../../src/otp/enrollments.service.js';
import { MAX_PASSWORD_BYTES } from '../../src/secrets.js';
import { UsersService } from '../../src/users/users.service.js';
import { holdRows, sent } from '../support/held-rows.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import {
  INVALID_OTP,
  invalidAttribute,
  NOT_FOUND,
  TOO_MANY_CODES,
  UNAUTHENTICATED,
} from '../support/refusals.js';
import { asCareful, codeAt, forgetAttempts, validateOtp, wrongCode } from '../support/second-factor.js';

const BLANK = "can't be blank";
const UNCONFIRMED_MILLISECONDS = 60 * 60 * 1000;
let latchkey: Latchkey;
let stranger: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  stranger = await latchkey.asUser();
});
afterAll(() => latchkey.stop());
beforeEach(() => forgetAttempts(latchkey));

function begin(user: SignedInPerson, password: unknown = PASSWORD) {
  const path = `/api/v2/users/${user.id}/otp_enrollments`;
  return latchkey.post(path, user.token, document('otp_enrollments', { password }));
}

function confirm(token: string | null, id: string, otp: unknown) {
  return latchkey.put(`/api/v2/otp_enrollments/${id}/confirm`, token, document('otp_enrollments', { otp }));
}

function renew(token: string | null, id: string, proofs: object) {
  const path = `/api/v2/otp_enrollments/${id}/recovery_codes`;
  return latchkey.post(path, token, document('otp_enrollments', proofs));
}

function remove(token: string | null, id: string, proofs: object) {
  return latchkey.delete(`/api/v2/otp_enrollments/${id}`, token, document('otp_enrollments', proofs));
}

/** A user with an enrollment that waits for its first code. */
async function enrolling() {
  const user = await latchkey.asUser();
  const { body } = await begin(user).expect(201);
  return { user, id: body.data.id as string, secret: body.data.attributes.secret as string };
}

async function hasTwoFactor(user: SignedInPerson): Promise<boolean> {
  const { body } = await latchkey.get('/api/v2/users/me', user.token).expect(200);
  return body.data.attributes.two_factor_auth;
}

/** Everything that the database holds on one-time passwords, as one text. */
async function stored(): Promise<string> {
  const rows = await latchkey.sql(
    `SELECT e::text || coalesce(c::text, '') AS row FROM otp_enrollments e
     LEFT JOIN recovery_codes c ON c.enrollment_id = e.id`,
  );
  return JSON.stringify(rows);
}

describe('POST /users/:id/otp_enrollments', () => {
  it('201: shows the secret, its URI and a picture that reads as that URI, and says where it is', async () => {
    const user = await latchkey.asUser();
    const response = await begin(user).expect(201);
    const { id, type, attributes } = response.body.data;
    expect(type).toBe('otp_enrollments');
    expect(response.headers.location).toBe(`${publicUrl()}/api/v2/otp_enrollments/${id}`);
    expect(response.headers['cache-control']).toContain('no-store');
    expect(attributes).toEqual({
      user_id: Number(user.id),
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      otpauth_uri: expect.any(String),
      qr_code: expect.stringMatching(/^data:image\/png;base64,/),
      recovery_codes: null,
      recovery_codes_left: 0,
      confirmed_at: null,
      created_at: expect.any(String),
    });
    const uri = new URL(attributes.otpauth_uri);
    expect(uri.protocol + uri.host).toBe('otpauth:totp');
    expect(decodeURIComponent(uri.pathname)).toBe(`/Latchkey:${user.email}`);
    expect(uri.searchParams.get('secret')).toBe(attributes.secret);
    expect(uri.searchParams.get('issuer')).toBe('Latchkey');
    const png = PNG.sync.read(Buffer.from(attributes.qr_code.split(',')[1], 'base64'));
    const read = jsqr.default(new Uint8ClampedArray(png.data), png.width, png.height);
    expect(read?.data).toBe(attributes.otpauth_uri);
  });

  it('201: a second one takes the place of the first, which is gone', async () => {
    const { user, id, secret } = await enrolling();
    const next = await begin(user).expect(201);
    expect(next.body.data.attributes.secret).not.toBe(secret);
    await confirm(user.token, id, latchkey.codeNow(secret)).expect(404, NOT_FOUND);
  });

  it('SECURITY 40: keeps the secret sealed, under a key that is not in the database', async () => {
    const { secret } = await enrolling();
    const { body } = await begin(stranger).expect(201);
    for (const plain of [secret, body.data.attributes.secret]) {
      const text = await stored();
      expect(text).not.toContain(plain);
      expect(text).not.toContain(Buffer.from(plain).toString('hex'));
      expect(text).not.toContain(fromBase32(plain).toString('hex'));
    }
  });

  it('401: asks for a session', async () => {
    await begin({ ...stranger, token: 'no token' }).expect(401, UNAUTHENTICATED);
  });

  it('404: nobody begins for somebody else, not even an administrator', async () => {
    const admin = await latchkey.asAdmin();
    await begin({ ...stranger, token: admin.token }).expect(404, NOT_FOUND);
    await begin({ ...admin, id: '999999' }).expect(404, NOT_FOUND);
    await begin({ ...admin, id: 'me' }).expect(404, NOT_FOUND);
  });

  it('409: a second factor is there already', async () => {
    await begin(await asCareful(latchkey)).expect(409);
  });

  it.each([
    [undefined, BLANK],
    [null, BLANK],
    ['', BLANK],
    [7, 'attribute is invalid'],
    ['wrong', 'attribute is invalid'],
    ['x'.repeat(MAX_PASSWORD_BYTES + 1), 'attribute is invalid'],
  ])('SECURITY 41: 422: without the password a session begins nothing (%j)', async (password, detail) => {
    const attributes = password === undefined ? {} : { password };
    const path = `/api/v2/users/${stranger.id}/otp_enrollments`;
    const response = latchkey.post(path, stranger.token, document('otp_enrollments', attributes));
    await response.expect(422, invalidAttribute('password', detail));
  });

  it('429: guesses of the password are counted as at sign-in', async () => {
    const user = await latchkey.asUser();
    for (let n = 0; n < 10; n++) await begin(user, `guess ${n}`).expect(422);
    const refused = await begin(user).expect(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('GET /otp_enrollments/:id', () => {
  it('200: shows its owner how it stands, and never again a secret, a picture or a code', async () => {
    const { user, id, secret } = await enrolling();
    const read = () => latchkey.get(`/api/v2/otp_enrollments/${id}`, user.token).expect(200);
    const hidden = { secret: null, otpauth_uri: null, qr_code: null, recovery_codes: null };
    expect((await read()).body.data.attributes).toMatchObject({ ...hidden, confirmed_at: null });
    await confirm(user.token, id, latchkey.codeNow(secret)).expect(200);
    const confirmed = { ...hidden, recovery_codes_left: 5, confirmed_at: expect.any(String) };
    expect((await read()).body.data.attributes).toMatchObject(confirmed);
  });

  it('401, 404: is there for its owner only', async () => {
    const { id } = await enrolling();
    await latchkey.get(`/api/v2/otp_enrollments/${id}`, null).expect(401, UNAUTHENTICATED);
    const admin = await latchkey.asAdmin();
    for (const token of [stranger.token, admin.token]) {
      for (const path of [id, '999999', '1e3', 'undefined', '9223372036854775808']) {
        await latchkey.get(`/api/v2/otp_enrollments/${path}`, token).expect(404, NOT_FOUND);
      }
    }
  });
});

describe('PUT /otp_enrollments/:id/confirm', () => {
  it('SECURITY 43: 200: shows five different recovery codes of eight letters, kept under bcrypt only', async () => {
    const { user, id, secret } = await enrolling();
    const { body } = await confirm(user.token, id, latchkey.codeNow(secret)).expect(200);
    const codes: string[] = body.data.attributes.recovery_codes;
    expect(new Set(codes).size).toBe(5);
    for (const code of codes) expect(code).toMatch(/^[a-z]{8}$/);
    expect(body.data.attributes).toMatchObject({ recovery_codes_left: 5, secret: null });
    const hashes = await latchkey.sql<{ code_hash: string }>(
      'SELECT code_hash FROM recovery_codes WHERE enrollment_id = $1',
      [id],
    );
    expect(hashes).toHaveLength(5);
    for (const { code_hash } of hashes) expect(code_hash).toMatch(/^\$2[aby]\$\d\d\$.{53}$/);
    const text = await stored();
    for (const code of codes) expect(text).not.toContain(code);
    expect(await hasTwoFactor(user)).toBe(true);
  });

  it('200: ends the other browser sessions, keeps machines and itself, which has now proved both', async () => {
    const { user, id, secret } = await enrolling();
    const other = await latchkey.signIn(user);
    const machine = await latchkey
      .post('/api/v2/sessions/machine', user.token, document('sessions', { name: 'builds' }))
      .expect(201);
    await confirm(user.token, id, latchkey.codeNow(secret)).expect(200);
    await latchkey.get('/api/v2/sessions', other.token).expect(401, UNAUTHENTICATED);
    await latchkey.get('/api/v2/sessions', machine.body.data.attributes.token).expect(200);
    const own = await latchkey.get('/api/v2/sessions/current', user.token).expect(200);
    expect(own.body.data.attributes.two_factor_auth).toBe(true);
    const next = await latchkey.signIn(user);
    await latchkey.get('/api/v2/sessions', next.token).expect(403);
  });

  it('404: a stranger confirms nothing, even with the right code', async () => {
    const { user, id, secret } = await enrolling();
    await confirm(stranger.token, id, latchkey.codeNow(secret)).expect(404, NOT_FOUND);
    await confirm(null, id, latchkey.codeNow(secret)).expect(401, UNAUTHENTICATED);
    expect(await hasTwoFactor(user)).toBe(false);
  });

  it('409: an enrollment is confirmed once, and within its hour', async () => {
    const { user, id, secret } = await enrolling();
    await confirm(user.token, id, latchkey.codeNow(secret)).expect(200);
    await confirm(user.token, id, codeAt(latchkey, secret, 30)).expect(409);
    const late = await enrolling();
    latchkey.clock.move(UNCONFIRMED_MILLISECONDS);
    await confirm(late.user.token, late.id, latchkey.codeNow(late.secret)).expect(409);
    expect(await hasTwoFactor(late.user)).toBe(false);
  });

  it('409: an enrollment that was begun before another was confirmed comes too late', async () => {
    const { user, id, secret } = await enrolling();
    await confirm(user.token, id, latchkey.codeNow(secret)).expect(200);
    // What is left when it was begun at the very moment in which the other was confirmed.
    const [twin] = await latchkey.sql<{ id: string }>(
      `INSERT INTO otp_enrollments (user_id, sealed_secret, credentials_version, created_at)
       SELECT u.id, e.sealed_secret, u.credentials_version, e.created_at
       FROM otp_enrollments e JOIN users u ON u.id = e.user_id WHERE e.id = $1 RETURNING id`,
      [id],
    );
    await confirm(user.token, twin!.id, codeAt(latchkey, secret, 30)).expect(409);
  });

  it('409: an enrollment that was begun with a password is over when the password changes', async () => {
    const { user, id, secret } = await enrolling();
    const machine = document('sessions', { name: 'ci' });
    const minted = await latchkey.post('/api/v2/sessions/machine', user.token, machine).expect(201);
    const change = { password: 'a brand new passphrase', current_password: PASSWORD };
    const body = document('users', change, { id: user.id });
    await latchkey.patch(`/api/v2/users/${user.id}`, user.token, body).expect(200);
    await confirm(minted.body.data.attributes.token, id, latchkey.codeNow(secret)).expect(409);
    expect(await hasTwoFactor(user)).toBe(false);
  });

  it('422: takes no wrong code, no spent one, and nothing that is none', async () => {
    const { user, id, secret } = await enrolling();
    await confirm(user.token, id, wrongCode(latchkey, secret)).expect(422, INVALID_OTP);
    await confirm(user.token, id, 123456).expect(422, INVALID_OTP);
    await confirm(user.token, id, '').expect(422, invalidAttribute('otp', BLANK));
    const otp = latchkey.codeNow(secret);
    await confirm(user.token, id, otp).expect(200);
    const { sessionId } = await latchkey.signIn(user);
    await validateOtp(latchkey, sessionId, { otp }).expect(422, INVALID_OTP);
  });

  it('429: ten wrong codes lock every code for a while', async () => {
    const { user, id, secret } = await enrolling();
    for (let n = 0; n < 10; n++) await confirm(user.token, id, wrongCode(latchkey, secret)).expect(422);
    await confirm(user.token, id, latchkey.codeNow(secret)).expect(429, TOO_MANY_CODES);
    await forgetAttempts(latchkey);
    await confirm(user.token, id, latchkey.codeNow(secret)).expect(200);
  });

  it.each([1, 2, 3])('of ten at once, one wins and shows the codes that count (round %d)', async () => {
    const { user, id, secret } = await enrolling();
    const otp = latchkey.codeNow(secret);
    const responses = await Promise.all(Array.from({ length: 10 }, () => confirm(user.token, id, otp)));
    const won = responses.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const { status } of responses) expect([200, 409, 429]).toContain(status);
    await forgetAttempts(latchkey);
    const { sessionId } = await latchkey.signIn(user);
    const [code] = won[0]!.body.data.attributes.recovery_codes;
    await validateOtp(latchkey, sessionId, { otp: code }).expect(200);
  });
});

describe('POST /otp_enrollments/:id/recovery_codes', () => {
  it('SECURITY 43: 200: a new set voids the old one', async () => {
    const user = await asCareful(latchkey);
    const proofs = { password: PASSWORD, otp: latchkey.codeNow(user.secret) };
    const { body } = await renew(user.token, user.enrollmentId, proofs).expect(200);
    const fresh: string[] = body.data.attributes.recovery_codes;
    expect(new Set([...fresh, ...user.recoveryCodes]).size).toBe(10);
    const { sessionId } = await latchkey.signIn(user);
    await validateOtp(latchkey, sessionId, { otp: user.recoveryCodes[0] }).expect(422, INVALID_OTP);
    await validateOtp(latchkey, sessionId, { otp: fresh[0] }).expect(200);
  });

  it('SECURITY 45: a used code leaves four, and two-factor authentication on', async () => {
    const user = await asCareful(latchkey);
    const { sessionId } = await latchkey.signIn(user);
    await validateOtp(latchkey, sessionId, { otp: user.recoveryCodes[2] }).expect(200);
    const { body } = await latchkey.get(`/api/v2/otp_enrollments/${user.enrollmentId}`, user.token);
    expect(body.data.attributes.recovery_codes_left).toBe(4);
    expect(await hasTwoFactor(user)).toBe(true);
  });

  it('200: a recovery code is proof enough, and is spent with the others', async () => {
    const user = await asCareful(latchkey);
    const proofs = { password: PASSWORD, otp: user.recoveryCodes[0] };
    await renew(user.token, user.enrollmentId, proofs).expect(200);
    await renew(user.token, user.enrollmentId, proofs).expect(422, INVALID_OTP);
  });

  it('404: there are none before the first code is confirmed', async () => {
    const { user, id, secret } = await enrolling();
    const proofs = { password: PASSWORD, otp: latchkey.codeNow(secret) };
    await renew(user.token, id, proofs).expect(404, NOT_FOUND);
    await renew(stranger.token, id, proofs).expect(404, NOT_FOUND);
    await renew(null, id, proofs).expect(401, UNAUTHENTICATED);
  });
});

describe('DELETE /otp_enrollments/:id', () => {
  it('204: turns it off, ends the other browser sessions, and asks nobody for a code any more', async () => {
    const user = await asCareful(latchkey);
    const waiting = await latchkey.signIn(user);
    const proofs = { password: PASSWORD, otp: latchkey.codeNow(user.secret) };
    await remove(user.token, user.enrollmentId, proofs).expect(204);
    expect(await hasTwoFactor(user)).toBe(false);
    await latchkey.delete(`/api/v2/sessions/${waiting.sessionId}`, waiting.token).expect(401);
    const next = await latchkey.signIn(user);
    await latchkey.get('/api/v2/sessions', next.token).expect(200);
    await latchkey.get(`/api/v2/otp_enrollments/${user.enrollmentId}`, user.token).expect(404, NOT_FOUND);
    const own = await latchkey.get('/api/v2/sessions/current', user.token).expect(200);
    expect(own.body.data.attributes.two_factor_auth).toBe(true); // this session did prove it
  });

  it('204: gives up what was never confirmed for the password alone', async () => {
    const { user, id } = await enrolling();
    await remove(user.token, id, {}).expect(422, invalidAttribute('password', BLANK));
    await remove(user.token, id, { password: PASSWORD }).expect(204);
  });

  it('404: is there for its owner only', async () => {
    const user = await asCareful(latchkey);
    const proofs = { password: PASSWORD, otp: latchkey.codeNow(user.secret) };
    await remove(stranger.token, user.enrollmentId, proofs).expect(404, NOT_FOUND);
    await remove(null, user.enrollmentId, proofs).expect(401, UNAUTHENTICATED);
    expect(await hasTwoFactor(user)).toBe(true);
  });
});

describe('SECURITY 41: a stolen session of someone with a second factor', () => {
  it.each([
    ['a password alone', () => ({ password: PASSWORD }), 'otp', BLANK],
    ['a code alone', (otp: string) => ({ otp }), 'password', BLANK],
    ['a wrong password', (otp: string) => ({ password: 'wrong', otp }), 'password', 'attribute is invalid'],
    ['a wrong code', () => ({ password: PASSWORD, otp: 'aaaaaaaa' }), 'otp', 'attribute is invalid'],
    [
      'a code that is a number',
      (otp: string) => ({ password: PASSWORD, otp: Number(otp) }),
      'otp',
      'attribute is invalid',
    ],
  ])('changes nothing with %s', async (_, proofs, attribute, detail) => {
    const user = await asCareful(latchkey);
    const sent = proofs(latchkey.codeNow(user.secret));
    const refusal = invalidAttribute(attribute, detail);
    await remove(user.token, user.enrollmentId, sent).expect(422, refusal);
    await renew(user.token, user.enrollmentId, sent).expect(422, refusal);
    expect(await hasTwoFactor(user)).toBe(true);
    const { sessionId } = await latchkey.signIn(user);
    await validateOtp(latchkey, sessionId, { otp: user.recoveryCodes[0] }).expect(200);
  });

  it('does not turn it off through the user either', async () => {
    const user = await asCareful(latchkey);
    const changed = document('users', { two_factor_auth: false }, { id: user.id });
    await latchkey.patch(`/api/v2/users/${user.id}`, user.token, changed).expect(422);
    expect(await hasTwoFactor(user)).toBe(true);
  });
});

describe('at the same time', () => {
  const holdEnrollment = (id: string) =>
    holdRows(latchkey, 'SELECT FROM otp_enrollments WHERE id = $1 FOR UPDATE', [id]);

  it('of two renewals by two codes, one set of recovery codes counts', async () => {
    const user = await asCareful(latchkey);
    const held = await holdRows(latchkey, 'SELECT FROM recovery_codes WHERE enrollment_id = $1 FOR UPDATE', [
      user.enrollmentId,
    ]);
    const codes = [user.recoveryCodes[0]!, latchkey.codeNow(user.secret)];
    const renewing: Promise<Response>[] = [];
    for (const otp of codes) {
      renewing.push(sent(renew(user.token, user.enrollmentId, { password: PASSWORD, otp })));
      await held.untilWaiting(renewing.length);
    }
    await held.release();
    for (const { status } of await Promise.all(renewing)) expect([200, 422]).toContain(status);
    const { body } = await latchkey
      .get(`/api/v2/otp_enrollments/${user.enrollmentId}`, user.token)
      .expect(200);
    expect(body.data.attributes.recovery_codes_left).toBe(5);
  });

  it('beginning anew while the first one is confirmed makes nobody wait in vain', async () => {
    const { user, id, secret } = await enrolling();
    const held = await holdEnrollment(id);
    const confirming = sent(confirm(user.token, id, latchkey.codeNow(secret)));
    await held.untilWaiting(1);
    const beginning = sent(begin(user));
    await held.untilWaiting(2);
    await held.release();
    expect((await confirming).status).toBe(200);
    expect((await beginning).status).toBe(201);
  });

  it('turning it off by a recovery code while a session proves the other factor makes nobody wait in vain', async () => {
    const user = await asCareful(latchkey);
    const { sessionId } = await latchkey.signIn(user);
    const held = await holdEnrollment(user.enrollmentId);
    const proving = sent(validateOtp(latchkey, sessionId, { otp: latchkey.codeNow(user.secret) }));
    await held.untilWaiting(1);
    const proofs = { password: PASSWORD, otp: user.recoveryCodes[0] };
    const removing = sent(remove(user.token, user.enrollmentId, proofs));
    await held.untilWaiting(2);
    await held.release();
    expect((await proving).status).toBe(200);
    expect((await removing).status).toBe(204);
  });

  it('taking it off by the command line while a session proves it makes nobody wait in vain', async () => {
    const user = await asCareful(latchkey);
    const { sessionId } = await latchkey.signIn(user);
    const held = await holdEnrollment(user.enrollmentId);
    const proving = sent(validateOtp(latchkey, sessionId, { otp: latchkey.codeNow(user.secret) }));
    await held.untilWaiting(1);
    const stored = await latchkey.app.get(UsersService, { strict: false }).read(OPERATOR, user.id);
    const taking = latchkey.app.get(EnrollmentsService, { strict: false }).reset(OPERATOR, stored);
    await held.untilWaiting(2);
    await held.release();
    expect((await proving).status).toBe(200);
    await taking;
    expect(await hasTwoFactor({ ...user, ...(await latchkey.signIn(user)) })).toBe(false);
  });

  it('giving an enrollment up while it is confirmed leaves no factor that nobody can prove', async () => {
    const { user, id, secret } = await enrolling();
    const held = await holdRows(latchkey, 'SELECT FROM otp_enrollments WHERE id = $1 FOR UPDATE', [id]);
    const confirming = sent(confirm(user.token, id, latchkey.codeNow(secret)));
    await held.untilWaiting(1);
    const givingUp = sent(remove(user.token, id, { password: PASSWORD }));
    await held.untilWaiting(2);
    await held.release();
    expect((await confirming).status).toBe(200);
    expect((await givingUp).status).toBe(409);
    const { body } = await latchkey.get(`/api/v2/otp_enrollments/${id}`, user.token).expect(200);
    expect(body.data.attributes.recovery_codes_left).toBe(5);
  });

  it.each<[string, number, (user: SignedInPerson) => PromiseLike<unknown>]>([
    [
      'a password that is changed',
      409,
      ({ id, token }) => {
        const change = { password: 'another battery staple', current_password: PASSWORD };
        return latchkey.patch(`/api/v2/users/${id}`, token, document('users', change, { id })).expect(200);
      },
    ],
    [
      'a session that is ended',
      401,
      ({ sessionId, token }) => latchkey.delete(`/api/v2/sessions/${sessionId}`, token).expect(204),
    ],
  ])('nobody gets new recovery codes by %s meanwhile', async (_, status, end) => {
    const user = await asCareful(latchkey);
    const codes = () =>
      latchkey.sql('SELECT * FROM recovery_codes WHERE enrollment_id = $1 ORDER BY 1', [user.enrollmentId]);
    const before = await codes();
    const held = await holdEnrollment(user.enrollmentId);
    const proofs = { password: PASSWORD, otp: user.recoveryCodes[0]! };
    const renewing = sent(renew(user.token, user.enrollmentId, proofs));
    await held.untilWaiting(1);
    await end(user);
    await held.release();
    expect((await renewing).status).toBe(status);
    expect(await codes()).toEqual(before); // none is spent, none is new
  });

  it('nobody turns it on with a session that is ended meanwhile', async () => {
    const { user, id, secret } = await enrolling();
    const twin = await latchkey.signIn(user);
    const held = await holdRows(latchkey, 'SELECT FROM users WHERE id = $1 FOR UPDATE', [user.id]);
    const confirming = sent(confirm(user.token, id, latchkey.codeNow(secret)));
    await held.untilWaiting(1);
    await latchkey.delete(`/api/v2/sessions/${user.sessionId}`, twin.token).expect(204);
    await held.release();
    expect((await confirming).status).toBe(401);
    const { body } = await latchkey.get('/api/v2/users/me', twin.token).expect(200);
    expect(body.data.attributes.two_factor_auth).toBe(false);
  });
});

function publicUrl(): string {
  return latchkey.app.getHttpAdapter().getInstance().locals.publicUrl;
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((c) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'),
  );
  return Buffer.from(
    bits
      .join('')
      .match(/.{8}/g)!
      .map((byte) => parseInt(byte, 2)),
  );
}
