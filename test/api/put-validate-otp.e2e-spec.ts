import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JSON_API, Latchkey, PASSWORD, type Credential, type SignedInPerson } from '../support/latchkey.js';
import {
  INVALID_OTP,
  invalidAttribute,
  OTP_REQUIRED,
  UNAUTHENTICATED,
  VALIDATION_TIME_EXPIRED,
} from '../support/refusals.js';
import { routesOf } from '../support/routes.js';
import {
  asCareful,
  codeAt,
  forgetAttempts,
  validateOtp,
  wrongCode,
  type Careful,
} from '../support/second-factor.js';

const WINDOW_SECONDS = 300;
let latchkey: Latchkey;
/** For tests that spend no code and little of anything else. */
let shared: Careful;
let bystander: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start({ DOCS: 'false' });
  shared = await asCareful(latchkey);
  bystander = await latchkey.asUser();
});
afterAll(() => latchkey.stop());

/** A user with a second factor, and a session of theirs that waits for it. */
async function pending(known?: Careful): Promise<{ user: Careful; session: Credential }> {
  const user = known ?? (await asCareful(latchkey));
  await forgetAttempts(latchkey);
  return { user, session: await latchkey.signIn(user) };
}

describe('200', () => {
  it('answers the active session with a new token, as the contract shows it', async () => {
    const { user, session } = await pending();
    const proof = { otp: latchkey.codeNow(user.secret), userId: user.id };
    const response = await validateOtp(latchkey, session.sessionId, proof).expect(200);
    expect(response.headers['content-type']).toBe(JSON_API);
    expect(response.headers['cache-control']).toContain('no-store');
    expect(response.body).toEqual({
      data: {
        id: session.sessionId,
        type: 'sessions',
        attributes: {
          name: null,
          note: null,
          user_id: Number(user.id),
          token: expect.stringMatching(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/),
          last_ip: '127.0.0.1',
          location: null,
          device: null,
          platform: null,
          browser: null,
          machine: false,
          read_only: false,
          last_activity_at: expect.any(String),
          token_expires_at: expect.any(String),
          two_factor_auth: true,
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

  it('opens everything with the new token and nothing with the one from sign-in', async () => {
    const { user, session } = await pending();
    const otp = latchkey.codeNow(user.secret);
    const response = await validateOtp(latchkey, session.sessionId, { otp }, session.token).expect(200);
    const { token } = response.body.data.attributes;
    expect(token).not.toBe(session.token);
    const current = await latchkey.get('/api/v2/sessions/current', token).expect(200);
    expect(current.body.data).toMatchObject({ id: session.sessionId, attributes: { two_factor_auth: true } });
    await latchkey.get('/api/v2/sessions', session.token).expect(401, UNAUTHENTICATED);
    await latchkey.delete(`/api/v2/sessions/${session.sessionId}`, session.token).expect(401);
  });

  it.each([
    ['as it was shown', (code: string) => code],
    [
      'in capitals, with blanks and hyphens',
      (code: string) => ` ${code.slice(0, 4)}-${code.slice(4)} `.toUpperCase(),
    ],
  ])('takes a recovery code %s', async (_, typed) => {
    const { user, session } = await pending();
    const otp = typed(user.recoveryCodes[0]!);
    const response = await validateOtp(latchkey, session.sessionId, { otp }).expect(200);
    expect(response.body.data.attributes.two_factor_auth).toBe(true);
  });

  it.each([-30, 30])('takes the code of a clock that is %d seconds off', async (seconds) => {
    const { user, session } = await pending();
    latchkey.clock.move(30_000);
    await validateOtp(latchkey, session.sessionId, { otp: codeAt(latchkey, user.secret, seconds) }).expect(
      200,
    );
  });

  it('takes the right code after four wrong ones', async () => {
    const { user, session } = await pending();
    const otp = wrongCode(latchkey, user.secret);
    for (let n = 0; n < 4; n++) await validateOtp(latchkey, session.sessionId, { otp }).expect(422);
    await validateOtp(latchkey, session.sessionId, { otp: latchkey.codeNow(user.secret) }).expect(200);
  });
});

describe('401', () => {
  it.each([
    ['an unknown id', () => ['999999999', {}]],
    ['an id that cannot be one', () => ['1e3', {}]],
    ['a wrong password', ({ session }) => [session.sessionId, { password: '000000' }]],
    ['another user in the relationship', ({ session }) => [session.sessionId, { userId: bystander.id }]],
    ['a user id that cannot be one', ({ session }) => [session.sessionId, { userId: 'x' }]],
  ] as [string, (at: Awaited<ReturnType<typeof pending>>) => [string, object]][])(
    'answers %s alike, and to the byte as the contract shows',
    async (_, attempt) => {
      const at = await pending(shared);
      const [id, changed] = attempt(at);
      const proof = { otp: latchkey.codeNow(at.user.secret), ...changed };
      await validateOtp(latchkey, id, proof).expect(401, UNAUTHENTICATED);
      await latchkey.get('/api/v2/sessions', at.session.token).expect(403, OTP_REQUIRED);
    },
  );

  it('SECURITY 30: refuses another user’s token beside the right code and password', async () => {
    const { user, session } = await pending();
    const proof = { otp: latchkey.codeNow(user.secret) };
    await validateOtp(latchkey, session.sessionId, proof, bystander.token).expect(401, UNAUTHENTICATED);
    await validateOtp(latchkey, session.sessionId, proof).expect(200);
  });

  it('looks at the password before window and code', async () => {
    const { user, session } = await pending();
    const proof = { otp: wrongCode(latchkey, user.secret), password: 'wrong' };
    await validateOtp(latchkey, session.sessionId, proof).expect(401, UNAUTHENTICATED);
    latchkey.clock.move(WINDOW_SECONDS * 1000);
    await validateOtp(latchkey, session.sessionId, proof).expect(401, UNAUTHENTICATED);
  });

  it('answers so for a session that has ended', async () => {
    const { user, session } = await pending();
    await latchkey.delete(`/api/v2/sessions/${session.sessionId}`, session.token).expect(204);
    await validateOtp(latchkey, session.sessionId, { otp: latchkey.codeNow(user.secret) }).expect(
      401,
      UNAUTHENTICATED,
    );
  });

  it('answers so when the password was changed since sign-in', async () => {
    const { user, session } = await pending();
    const password = 'another good long one';
    const change = {
      data: { type: 'users', id: user.id, attributes: { password, current_password: PASSWORD } },
    };
    await latchkey.patch(`/api/v2/users/${user.id}`, user.token, change).expect(200);
    const proof = { otp: latchkey.codeNow(user.secret), password };
    await validateOtp(latchkey, session.sessionId, proof).expect(401, UNAUTHENTICATED);
  });
});

describe('403', () => {
  it('SECURITY 36: refuses the right code once the window has passed, and lifts nothing', async () => {
    const { user, session } = await pending();
    latchkey.clock.move(WINDOW_SECONDS * 1000 - 5_000);
    await latchkey.get('/api/v2/sessions', session.token).expect(403, OTP_REQUIRED);
    latchkey.clock.move(5_000);
    await validateOtp(latchkey, session.sessionId, { otp: latchkey.codeNow(user.secret) }).expect(
      403,
      VALIDATION_TIME_EXPIRED,
    );
    await latchkey.get('/api/v2/sessions', session.token).expect(401, UNAUTHENTICATED);
  });

  it('says so of a wrong code too: the window is looked at before the code', async () => {
    const { user, session } = await pending();
    latchkey.clock.move(WINDOW_SECONDS * 1000);
    const otp = wrongCode(latchkey, user.secret);
    await validateOtp(latchkey, session.sessionId, { otp }).expect(403, VALIDATION_TIME_EXPIRED);
  });

  it('says so to a client that sends along the token from sign-in', async () => {
    const { user, session } = await pending();
    latchkey.clock.move(WINDOW_SECONDS * 1000);
    const proof = { otp: latchkey.codeNow(user.secret) };
    await validateOtp(latchkey, session.sessionId, proof, session.token).expect(403, VALIDATION_TIME_EXPIRED);
  });

  it.each(['with', 'without'])(
    'refuses every code after five wrong ones, %s the token from sign-in',
    async (way) => {
      const { user, session } = await pending();
      const token = way === 'with' ? session.token : null;
      const otp = wrongCode(latchkey, user.secret);
      for (let n = 0; n < 5; n++) {
        await validateOtp(latchkey, session.sessionId, { otp }, token).expect(422, INVALID_OTP);
      }
      for (const code of [latchkey.codeNow(user.secret), user.recoveryCodes[0], otp]) {
        const proof = { otp: code };
        await validateOtp(latchkey, session.sessionId, proof, token).expect(403, VALIDATION_TIME_EXPIRED);
      }
      await latchkey.get('/api/v2/sessions', session.token).expect(401, UNAUTHENTICATED);
    },
  );

  it('SECURITY 23: with a pending session every route is closed, but for validating and ending itself', async () => {
    const { user, session } = await pending();
    const ids = { sessions: session.sessionId, users: user.id, otp_enrollments: user.enrollmentId };
    const routes = routesOf(latchkey.app).filter(({ path }) => path.startsWith('/api/v2'));
    expect(routes.length).toBeGreaterThan(15);
    const open: string[] = [];
    for (const { method, path } of routes) {
      const url =
        latchkey.url + path.replace(/(\w+)\/:id/, (_, type: keyof typeof ids) => `${type}/${ids[type]}`);
      const headers = { 'X-Auth-Token': session.token, Authorization: `Bearer ${session.token}` };
      if (`${method} ${path}` === 'DELETE /api/v2/sessions/:id') continue;
      const response = await fetch(url, { method, headers });
      const { errors } =
        method === 'HEAD' ? { errors: [] } : ((await response.json()) as { errors: { code: string }[] });
      if (response.status !== 403 || errors[0]?.code !== 'otp_required') open.push(`${method} ${path}`);
    }
    expect(open.sort()).toEqual(['POST /api/v2/sessions', 'PUT /api/v2/sessions/:id/validate_otp']);
    await latchkey.delete(`/api/v2/sessions/${user.sessionId}`, session.token).expect(403, OTP_REQUIRED);
    await latchkey.get('/api/v2//sessions', session.token).expect(404);
    await latchkey.get('/api/v2/sessions/current', user.token).expect(200);
    await latchkey.delete(`/api/v2/sessions/${session.sessionId}`, session.token).expect(204);
    await latchkey
      .delete(`/api/v2/sessions/${session.sessionId}`, session.token)
      .expect(401, UNAUTHENTICATED);
  });
});

describe('422', () => {
  it('SECURITY 25: a wrong code points at otp, a wrong password is a 401, and so is another user', async () => {
    const { user, session } = await pending();
    const { sessionId } = session;
    const otp = latchkey.codeNow(user.secret);
    await validateOtp(latchkey, sessionId, { otp: wrongCode(latchkey, user.secret) }).expect(
      422,
      INVALID_OTP,
    );
    await validateOtp(latchkey, sessionId, { otp, password: 'wrong' }).expect(401, UNAUTHENTICATED);
    await validateOtp(latchkey, sessionId, { otp, userId: bystander.id }).expect(401, UNAUTHENTICATED);
    await latchkey.get('/api/v2/sessions', session.token).expect(403, OTP_REQUIRED);
  });

  it('SECURITY 28: refuses a code that was already used, on a new session and within its time', async () => {
    const { user, session } = await pending();
    const otp = latchkey.codeNow(user.secret);
    await validateOtp(latchkey, session.sessionId, { otp }).expect(200);
    const next = await latchkey.signIn(user);
    await validateOtp(latchkey, next.sessionId, { otp }).expect(422, INVALID_OTP);
  });

  it('SECURITY 28: refuses the code of a step before one that was used', async () => {
    const { user, session } = await pending();
    latchkey.clock.move(30_000);
    const earlier = codeAt(latchkey, user.secret, -30);
    await validateOtp(latchkey, session.sessionId, { otp: latchkey.codeNow(user.secret) }).expect(200);
    const next = await latchkey.signIn(user);
    await validateOtp(latchkey, next.sessionId, { otp: earlier }).expect(422, INVALID_OTP);
  });

  it('refuses a recovery code that was already used', async () => {
    const { user, session } = await pending();
    const [otp] = user.recoveryCodes;
    await validateOtp(latchkey, session.sessionId, { otp }).expect(200);
    const next = await latchkey.signIn(user);
    await validateOtp(latchkey, next.sessionId, { otp }).expect(422, INVALID_OTP);
  });

  it.each([-300, -60, 60, 300])('SECURITY 29: refuses the code of a time %d seconds off', async (seconds) => {
    const { user, session } = await pending(shared);
    const proof = { otp: codeAt(latchkey, user.secret, seconds) };
    const time = new Date(latchkey.clock.milliseconds() + seconds * 1000);
    await validateOtp(latchkey, session.sessionId, proof)
      .set('Date', time.toUTCString())
      .expect(422, INVALID_OTP);
  });

  it.each([
    ['nothing', () => undefined, "can't be blank"],
    ['null', () => null, "can't be blank"],
    ['an empty text', () => '', "can't be blank"],
    ['a number', (code: string) => Number(code), 'attribute is invalid'],
    ['a list', (code: string) => [code], 'attribute is invalid'],
    ['an object', () => ({}), 'attribute is invalid'],
    ['true', () => true, 'attribute is invalid'],
    ['a blank before it', (code: string) => ` ${code}`, 'attribute is invalid'],
    ['NUL after it', (code: string) => `${code}\0`, 'attribute is invalid'],
    ['a digit more', (code: string) => `${code}0`, 'attribute is invalid'],
    ['full-width digits', (code: string) => shifted(code, 0xff10), 'attribute is invalid'],
    ['Arabic digits', (code: string) => shifted(code, 0x0660), 'attribute is invalid'],
    ['5 kB', (code: string) => code.repeat(850), 'attribute is invalid'],
    ['half a surrogate pair', (code: string) => `${code}\ud800`, 'attribute is invalid'],
  ] as [string, (code: string) => unknown, string][])(
    'SECURITY 31: refuses %s in the place of a code',
    async (_, made, detail) => {
      const { user, session } = await pending(shared);
      const proof = { otp: made(latchkey.codeNow(user.secret)) };
      await validateOtp(latchkey, session.sessionId, proof).expect(422, invalidAttribute('otp', detail));
      await latchkey.get('/api/v2/sessions', session.token).expect(403, OTP_REQUIRED);
    },
  );

  it('SECURITY 38: a code spent for one purpose serves no other', async () => {
    const { user, session } = await pending();
    const path = `/api/v2/otp_enrollments/${user.enrollmentId}`;
    const otp = latchkey.codeNow(user.secret);
    const proofs = { data: { type: 'otp_enrollments', attributes: { otp, password: PASSWORD } } };
    await validateOtp(latchkey, session.sessionId, { otp }).expect(200);
    await latchkey.delete(path, user.token, proofs).expect(422, INVALID_OTP);
    await latchkey.post(`${path}/recovery_codes`, user.token, proofs).expect(422, INVALID_OTP);
    latchkey.clock.move(30_000);
    const other = {
      data: {
        type: 'otp_enrollments',
        attributes: { otp: latchkey.codeNow(user.secret), password: PASSWORD },
      },
    };
    await latchkey.post(`${path}/recovery_codes`, user.token, other).expect(200);
    const next = await latchkey.signIn(user);
    const spent = { otp: other.data.attributes.otp };
    await validateOtp(latchkey, next.sessionId, spent).expect(422, INVALID_OTP);
  });

  it('SECURITY 39: a session without a second factor has nothing to validate', async () => {
    const user = await latchkey.asUser();
    for (const otp of ['000000', 'abcdefgh']) {
      await validateOtp(latchkey, user.sessionId, { otp }).expect(422, INVALID_OTP);
    }
    const response = await latchkey.get('/api/v2/sessions/current', user.token).expect(200);
    expect(response.body.data.attributes.two_factor_auth).toBe(false);
  });
});

describe('429', () => {
  it('refuses whoever guesses the password here, as at sign-in', async () => {
    const { user, session } = await pending();
    const otp = latchkey.codeNow(user.secret);
    for (let n = 0; n < 10; n++) {
      await validateOtp(latchkey, session.sessionId, { otp, password: `guess ${n}` }).expect(401);
    }
    const refused = await validateOtp(latchkey, session.sessionId, { otp }).expect(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await forgetAttempts(latchkey);
    await validateOtp(latchkey, session.sessionId, { otp }).expect(200);
  });
});

describe('503', () => {
  it('SECURITY 35: a database that fails half-way spends no code, counts the try once, and lets nobody in', async () => {
    const { user, session } = await pending();
    const otp = latchkey.codeNow(user.secret);
    await latchkey.sql(`CREATE FUNCTION go_away() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'going away' USING ERRCODE = '57P01'; END $$`);
    await latchkey.sql(`CREATE TRIGGER go_away BEFORE UPDATE OF status ON sessions
      FOR EACH ROW EXECUTE FUNCTION go_away()`);
    await validateOtp(latchkey, session.sessionId, { otp }).expect(503);
    await latchkey.sql('DROP FUNCTION go_away CASCADE');
    await latchkey.get('/api/v2/sessions', session.token).expect(403, OTP_REQUIRED);
    const [row] = await latchkey.sql('SELECT otp_attempts FROM sessions WHERE id = $1', [session.sessionId]);
    expect(row).toEqual({ otp_attempts: 1 });
    await validateOtp(latchkey, session.sessionId, { otp }).expect(200);
  });
});

/** The same digits in another script. */
function shifted(digits: string, zero: number): string {
  return [...digits].map((digit) => String.fromCodePoint(zero + Number(digit))).join('');
}
