import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ClerkBrowser, errorOf, SETTINGS } from '../support/clerk-browser.js';
import { Latchkey, PASSWORD, type Person } from '../support/latchkey.js';
import { asCareful, forgetAttempts, wrongCode } from '../support/second-factor.js';

let latchkey: Latchkey;
let browser: ClerkBrowser;
let person: Person;

beforeAll(async () => {
  latchkey = await Latchkey.start(SETTINGS);
  person = await latchkey.addUser();
});
afterAll(() => latchkey.stop());
beforeEach(async () => {
  await forgetAttempts(latchkey);
  browser = new ClerkBrowser(latchkey);
});

/** Begins a sign-in. @returns its id */
async function begun(form: Record<string, string>): Promise<string> {
  const { body } = await browser.post('/client/sign_ins', form).expect(200);
  return body.response.id as string;
}

const attemptFirst = (id: string, form: Record<string, string>) =>
  browser.post(`/client/sign_ins/${id}/attempt_first_factor`, form);
const attemptSecond = (id: string, form: Record<string, string>) =>
  browser.post(`/client/sign_ins/${id}/attempt_second_factor`, form);

describe('200', () => {
  it('signs in by identifier and password at once', async () => {
    const form = { identifier: person.email, password: PASSWORD };
    const { body } = await browser.post('/client/sign_ins', form).expect(200);
    const { response, client } = body;
    expect(response).toMatchObject({
      object: 'sign_in_attempt',
      status: 'complete',
      identifier: person.email,
    });
    expect(client.sessions.map((session: { id: string }) => session.id)).toEqual([
      response.created_session_id,
    ]);
    expect(client).toMatchObject({ last_active_session_id: response.created_session_id, sign_in: null });
    expect(await browser.statusOf(response.created_session_id)).toBe(200);
  });

  it('signs in by identifier, then password', async () => {
    const first = await browser.post('/client/sign_ins', { identifier: person.email }).expect(200);
    const { response, client } = first.body;
    expect(response).toMatchObject({
      status: 'needs_first_factor',
      supported_first_factors: [{ strategy: 'password' }],
      created_session_id: null,
    });
    expect(client).toMatchObject({ sessions: [], sign_in: { id: response.id } });
    const { body } = await attemptFirst(response.id, { strategy: 'password', password: PASSWORD }).expect(
      200,
    );
    expect(body.response.status).toBe('complete');
    expect(await browser.statusOf(body.response.created_session_id)).toBe(200);
  });

  it('asks whoever has a second factor for it: until then there is no session', async () => {
    const careful = await asCareful(latchkey);
    const form = { identifier: careful.email, password: PASSWORD };
    const { body } = await browser.post('/client/sign_ins', form).expect(200);
    expect(body.response).toMatchObject({
      status: 'needs_second_factor',
      supported_second_factors: [{ strategy: 'totp' }, { strategy: 'backup_code' }],
      created_session_id: null,
      user_data: null,
    });
    expect(body.client.sessions).toEqual([]);
    expect(body.client.sign_in.status).toBe('needs_second_factor');
    const code = { strategy: 'totp', code: latchkey.codeNow(careful.secret) };
    const done = await attemptSecond(body.response.id, code).expect(200);
    expect(done.body.response.second_factor_verification).toMatchObject({ strategy: 'totp' });
    expect(done.body.client.sessions[0].factor_verification_age).toEqual([0, 0]);
    expect(await browser.statusOf(done.body.response.created_session_id)).toBe(200);
  });

  it('takes a recovery code for the second factor, once', async () => {
    const careful = await asCareful(latchkey);
    const form = { identifier: careful.email, password: PASSWORD };
    const code = { strategy: 'backup_code', code: careful.recoveryCodes[0]! };
    const { body } = await attemptSecond(await begun(form), code).expect(200);
    expect(body.response.second_factor_verification).toMatchObject({ strategy: 'backup_code' });
    const again = await attemptSecond(await begun(form), code).expect(422);
    expect(errorOf(again)).toEqual(['form_code_incorrect', 'code']);
  });

  it('shows how far a sign-in came, and forgets it once another one is begun', async () => {
    const id = await begun({ identifier: person.email });
    const { body } = await browser.get(`/client/sign_ins/${id}`).expect(200);
    expect(body.response).toMatchObject({ id, status: 'needs_first_factor' });
    await begun({ identifier: person.email });
    await browser.get(`/client/sign_ins/${id}`).expect(404);
  });

  it('says of an identifier that nobody has what it says of any other', async () => {
    const known = await browser.post('/client/sign_ins', { identifier: person.email }).expect(200);
    const other = new ClerkBrowser(latchkey);
    const unknown = await other.post('/client/sign_ins', { identifier: 'nobody@example.com' }).expect(200);
    const same = { id: '', identifier: '', abandon_at: 0 };
    expect({ ...unknown.body.response, ...same }).toEqual({ ...known.body.response, ...same });
  });

  it('is one session for each user of a browser: the earlier one gives way', async () => {
    const first = await browser.signIn(person);
    const second = await browser.signIn(person);
    const { body } = await browser.get('/client').expect(200);
    expect(body.response.sessions.map((session: { id: string }) => session.id)).toEqual([second]);
    expect(await browser.statusOf(first)).toBe(401);
    const rows = await latchkey.sql<{ status: string }>(
      'SELECT status FROM sessions WHERE browser_id IS NOT NULL AND user_id = $1 ORDER BY id DESC LIMIT 2',
      [person.id],
    );
    expect(rows.map(({ status }) => status)).toEqual(['active', 'replaced']);
  });
});

describe('400', () => {
  it.each(['prepare_first_factor', 'prepare_second_factor'])('has nothing for %s to send', async (step) => {
    const id = await begun({ identifier: person.email });
    const answer = await browser
      .post(`/client/sign_ins/${id}/${step}`, { strategy: 'email_code' })
      .expect(400);
    expect(errorOf(answer)).toEqual(['strategy_for_user_invalid']);
  });

  it.each(['email_code', 'oauth_google', 'ticket', 'passkey'])(
    'refuses the strategy %s',
    async (strategy) => {
      const form = { identifier: person.email, strategy };
      expect(errorOf(await browser.post('/client/sign_ins', form).expect(400))).toEqual([
        'strategy_for_user_invalid',
      ]);
    },
  );

  it('SECURITY 23: takes no SMS for the second factor at sign-in', async () => {
    const careful = await asCareful(latchkey);
    const id = await begun({ identifier: careful.email, password: PASSWORD });
    const answer = await attemptSecond(id, { strategy: 'phone_code', code: '123456' }).expect(400);
    expect(errorOf(answer)).toEqual(['strategy_for_user_invalid']);
  });

  it('refuses steps out of order', async () => {
    const id = await begun({ identifier: person.email });
    await attemptSecond(id, { strategy: 'totp', code: '123456' }).expect(400);
    await attemptFirst(id, { strategy: 'password', password: PASSWORD }).expect(200);
    await attemptFirst(id, { strategy: 'password', password: PASSWORD }).expect(400);
  });

  it('lets a sign-in be for ten minutes', async () => {
    const id = await begun({ identifier: person.email });
    latchkey.clock.move(600_000);
    const answer = await attemptFirst(id, { strategy: 'password', password: PASSWORD }).expect(400);
    expect(errorOf(answer)).toEqual(['verification_expired']);
    const { body } = await browser.get(`/client/sign_ins/${id}`).expect(200);
    expect(body.response.status).toBe('abandoned');
    expect(body.client.sign_in).toBeNull();
  });

  it('ends a second factor that is not proved in time', async () => {
    const careful = await asCareful(latchkey);
    const id = await begun({ identifier: careful.email, password: PASSWORD });
    latchkey.clock.move(300_000);
    const code = { strategy: 'totp', code: latchkey.codeNow(careful.secret) };
    expect(errorOf(await attemptSecond(id, code).expect(400))).toEqual(['verification_expired']);
  });
});

describe('401', () => {
  it('knows no sign-in without the credential of its browser', async () => {
    const id = await begun({ identifier: person.email });
    browser.cookie = null;
    await attemptFirst(id, { strategy: 'password', password: PASSWORD }).expect(401);
    await browser.get(`/client/sign_ins/${id}`).expect(401);
  });
});

describe('404', () => {
  it("SECURITY 63: does not know another browser's sign-in, nor one of a wrong alphabet", async () => {
    const id = await begun({ identifier: person.email });
    const other = new ClerkBrowser(latchkey);
    await other.signIn(person);
    for (const unknown of [id, 'sia_zzzzzzzzzzz', 'sia_0', 'sia_', '1', '%00']) {
      const path = `/client/sign_ins/${unknown}`;
      await other.get(path).expect(404);
      const form = { strategy: 'password', password: PASSWORD };
      await other.post(`${path}/attempt_first_factor`, form).expect(404);
    }
  });
});

describe('422', () => {
  const NO_FORMS: [string, Record<string, string>, [string, string]][] = [
    ['no identifier', { password: PASSWORD }, ['form_param_missing', 'identifier']],
    ['an empty identifier', { identifier: '' }, ['form_param_missing', 'identifier']],
    ['an empty password', { identifier: 'x@example.com', password: '' }, ['form_param_missing', 'password']],
    [
      'a strategy without its proof',
      { identifier: 'x@example.com', strategy: 'password' },
      ['form_param_missing', 'password'],
    ],
    [
      'too long an identifier',
      { identifier: 'x'.repeat(1_001) },
      ['form_param_max_length_exceeded', 'identifier'],
    ],
  ];
  it.each(NO_FORMS)('refuses %s', async (_, form, error) => {
    expect(errorOf(await browser.post('/client/sign_ins', form).expect(422))).toEqual(error);
    expect(browser.cookie).toBeNull();
  });

  it('SECURITY 2, 3: refuses a wrong password, an unknown identifier and a closed user alike, to the byte', async () => {
    const closed = await latchkey.addUser();
    await latchkey.sql(`UPDATE users SET status = 'closed' WHERE id = $1`, [closed.id]);
    const answers = [];
    for (const [identifier, password] of [
      [person.email, 'wrong password'],
      ['nobody@example.com', 'wrong password'],
      [closed.email, PASSWORD],
    ]) {
      const { body } = await browser
        .post('/client/sign_ins', { identifier: identifier!, password: password! })
        .expect(422);
      answers.push({ ...body, clerk_trace_id: '' });
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0].errors[0]).toMatchObject({
      code: 'form_password_incorrect',
      meta: { param_name: 'password' },
    });
  });

  it('leaves nothing behind after a wrong password', async () => {
    const rows = () =>
      latchkey.sql<{ n: string }>(
        'SELECT (SELECT count(*) FROM browsers) + (SELECT count(*) FROM sign_in_attempts) + (SELECT count(*) FROM sessions) AS n',
      );
    const before = await rows();
    await browser
      .post('/client/sign_ins', { identifier: person.email, password: 'wrong password' })
      .expect(422);
    expect(await rows()).toEqual(before);
    expect(browser.cookie).toBeNull();
  });

  it('refuses wrong codes, and after five of them every other', async () => {
    const careful = await asCareful(latchkey);
    const id = await begun({ identifier: careful.email, password: PASSWORD });
    const wrong = { strategy: 'totp', code: wrongCode(latchkey, careful.secret) };
    for (let tries = 0; tries < 5; tries++) {
      expect(errorOf(await attemptSecond(id, wrong).expect(422))).toEqual(['form_code_incorrect', 'code']);
    }
    const right = { strategy: 'totp', code: latchkey.codeNow(careful.secret) };
    expect(errorOf(await attemptSecond(id, right).expect(400))).toEqual(['verification_expired']);
  });
});

describe('429', () => {
  it('counts wrong passwords as natively, with Retry-After', async () => {
    const guessed = await latchkey.addUser();
    const form = { identifier: guessed.email, password: 'wrong password' };
    for (let tries = 0; tries < 10; tries++) await browser.post('/client/sign_ins', form).expect(422);
    const answer = await browser.post('/client/sign_ins', { ...form, password: PASSWORD }).expect(429);
    expect(errorOf(answer)).toEqual(['too_many_requests']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});
