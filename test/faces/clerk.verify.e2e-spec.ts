import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Test } from 'supertest';
import { toId } from '../../src/faces/clerk/ids.js';
import { ClerkBrowser, errorOf, SETTINGS } from '../support/clerk-browser.js';
import { Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, forgetAttempts, wrongCode, type Careful } from '../support/second-factor.js';
import {
  addPhone,
  mailedCode,
  otherThan,
  startMailboxes,
  textedCode,
  type Mailboxes,
} from '../support/step-up.js';

let latchkey: Latchkey;
let mailboxes: Mailboxes;
let browser: ClerkBrowser;
let person: SignedInPerson;
let sessionId: string;

beforeAll(async () => {
  mailboxes = await startMailboxes();
  latchkey = await Latchkey.start({ ...SETTINGS, ...mailboxes.settings });
});
afterAll(async () => {
  await latchkey.stop();
  await mailboxes.stop();
});

beforeEach(async () => {
  await forgetAttempts(latchkey);
  browser = new ClerkBrowser(latchkey);
  person = await latchkey.asUser();
  sessionId = await browser.signIn(person);
});

const verify = (level: string, id = sessionId): Test =>
  browser.post(`/client/sessions/${id}/verify`, { level });
const step = (name: string, form: Record<string, string>, id = sessionId): Test =>
  browser.post(`/client/sessions/${id}/verify/${name}`, form);

/** Someone with a second factor, whose session takes the place of the one at hand. */
async function careful(): Promise<Careful> {
  const someone = await asCareful(latchkey);
  sessionId = await browser.signInCarefully(latchkey, someone);
  latchkey.clock.move(120_000);
  return someone;
}

describe('200', () => {
  it('asks for the first factor, and says how it can be proved', async () => {
    const { body } = await verify('first_factor').expect(200);
    expect(body.response).toMatchObject({
      object: 'session_reverification',
      level: 'first_factor',
      status: 'needs_first_factor',
      supported_first_factors: [
        { strategy: 'password' },
        { strategy: 'email_code', email_address_id: toId('emailAddress', person.id) },
      ],
      first_factor_verification: null,
      session: { id: sessionId, status: 'active' },
    });
    expect(body.client.sessions[0].id).toBe(sessionId);
  });

  it('proves the first factor by the password', async () => {
    latchkey.clock.move(120_000);
    await verify('first_factor').expect(200);
    const { body } = await step('attempt_first_factor', { strategy: 'password', password: PASSWORD }).expect(
      200,
    );
    expect(body.response).toMatchObject({
      status: 'complete',
      first_factor_verification: { object: 'verification_password', status: 'verified' },
      session: { factor_verification_age: [0, -1] },
    });
    expect(body.client.sessions[0].factor_verification_age).toEqual([0, -1]);
    expect(await browser.claims(sessionId)).toMatchObject({ fva: [0, -1] });
  });

  it('proves the first factor by a code that was mailed', async () => {
    latchkey.clock.move(120_000);
    await verify('first_factor').expect(200);
    const form = { strategy: 'email_code', email_address_id: toId('emailAddress', person.id) };
    const prepared = await step('prepare_first_factor', form).expect(200);
    expect(prepared.body.response.first_factor_verification).toMatchObject({
      object: 'verification_otp',
      status: 'unverified',
      strategy: 'email_code',
    });
    const code = mailedCode(mailboxes, person.email);
    const { body } = await step('attempt_first_factor', { strategy: 'email_code', code }).expect(200);
    expect(body.response.status).toBe('complete');
  });

  it('proves the second factor of whoever has no app by a code that was texted', async () => {
    const number = await addPhone(latchkey, person);
    sessionId = await browser.signIn(person); // the change of number ended the session before
    const begun = await verify('multi_factor').expect(200);
    expect(begun.body.response).toMatchObject({
      level: 'multi_factor',
      status: 'needs_first_factor',
      supported_second_factors: [{ strategy: 'phone_code', safe_identifier: number }],
    });
    const first = await step('attempt_first_factor', { strategy: 'password', password: PASSWORD }).expect(
      200,
    );
    expect(first.body.response.status).toBe('needs_second_factor');
    const phone = { strategy: 'phone_code', phone_number_id: toId('phoneNumber', person.id) };
    await step('prepare_second_factor', phone).expect(200);
    const code = textedCode(mailboxes, number);
    const { body } = await step('attempt_second_factor', { strategy: 'phone_code', code }).expect(200);
    expect(body.response).toMatchObject({ status: 'complete', session: { factor_verification_age: [0, 0] } });
  });

  it.each([
    ['totp', (someone: Careful) => latchkey.codeNow(someone.secret)],
    ['backup_code', (someone: Careful) => someone.recoveryCodes[0]!],
  ])('proves the second factor by %s', async (strategy, codeOf) => {
    const someone = await careful();
    const begun = await verify('second_factor').expect(200);
    expect(begun.body.response).toMatchObject({ level: 'second_factor', status: 'needs_second_factor' });
    const form = { strategy, code: codeOf(someone) };
    const { body } = await step('attempt_second_factor', form).expect(200);
    expect(body.response).toMatchObject({
      status: 'complete',
      second_factor_verification: { object: `verification_${strategy}`, status: 'verified' },
    });
    expect(body.response.session.factor_verification_age).toEqual([2, 0]);
  });

  it.each(['second_factor', 'multi_factor'])(
    'SECURITY 146: falls back from %s to the first factor for a user without a second one, and says so',
    async (level) => {
      const { body } = await verify(level).expect(200);
      expect(body.response).toMatchObject({ level: 'first_factor', status: 'needs_first_factor' });
      await step('attempt_first_factor', { strategy: 'password', password: PASSWORD }).expect(200);
      expect(await browser.claims(sessionId)).toMatchObject({ fva: [0, -1] });
    },
  );

  it('starts anew, and forgets what was begun before', async () => {
    await verify('first_factor').expect(200);
    await step('prepare_first_factor', { strategy: 'email_code' }).expect(200);
    const code = mailedCode(mailboxes, person.email);
    await verify('first_factor').expect(200);
    await step('attempt_first_factor', { strategy: 'email_code', code }).expect(400);
  });
});

describe('400', () => {
  const PASSWORDS = { strategy: 'password', password: PASSWORD };

  it('SECURITY 147: knows no step before a verification is started', async () => {
    await step('prepare_first_factor', { strategy: 'email_code' }).expect(400);
    const answer = await step('attempt_first_factor', PASSWORDS).expect(400);
    expect(errorOf(answer)).toEqual(['session_reverification_missing']);
  });

  it('SECURITY 147: takes no code before one was sent', async () => {
    await verify('first_factor').expect(200);
    const answer = await step('attempt_first_factor', { strategy: 'email_code', code: '123456' }).expect(400);
    expect(errorOf(answer)).toEqual(['verification_not_sent']);
  });

  it('SECURITY 147: takes no second factor before the first, and no first where the second is asked for', async () => {
    const someone = await careful();
    const second = { strategy: 'totp', code: latchkey.codeNow(someone.secret) };
    await verify('multi_factor').expect(200);
    expect(errorOf(await step('attempt_second_factor', second).expect(400))).toEqual([
      'invalid_action_for_session_reverification',
    ]);
    await verify('second_factor').expect(200);
    await step('attempt_first_factor', PASSWORDS).expect(400);
    await step('prepare_first_factor', { strategy: 'email_code' }).expect(400);
  });

  it('refuses what the user does not have', async () => {
    await verify('first_factor').expect(200);
    const answer = await step('prepare_first_factor', { strategy: 'phone_code' }).expect(400);
    expect(errorOf(answer)).toEqual(['strategy_for_user_invalid']);
    await careful();
    await verify('second_factor').expect(200);
    await step('prepare_second_factor', { strategy: 'phone_code' }).expect(400);
  });

  it('is over after ten minutes, once complete, and after five wrong proofs', async () => {
    await verify('first_factor').expect(200);
    latchkey.clock.move(600_000);
    expect(errorOf(await step('attempt_first_factor', PASSWORDS).expect(400))).toEqual([
      'verification_expired',
    ]);
    await verify('first_factor').expect(200);
    await step('attempt_first_factor', PASSWORDS).expect(200);
    await step('attempt_first_factor', PASSWORDS).expect(400);
    await verify('first_factor').expect(200);
    const wrong = { strategy: 'password', password: 'wrong password' };
    for (let tries = 0; tries < 5; tries++) await step('attempt_first_factor', wrong).expect(422);
    await step('attempt_first_factor', PASSWORDS).expect(400);
  });
});

describe('401', () => {
  it.each([
    '',
    '/prepare_first_factor',
    '/attempt_first_factor',
    '/prepare_second_factor',
    '/attempt_second_factor',
  ])('SECURITY 63: verify%s knows only what the browser holds and what is live', async (path) => {
    const foreign = await new ClerkBrowser(latchkey).signIn(person);
    const ended = await browser.signIn(await latchkey.addUser());
    await browser.post(`/client/sessions/${ended}/end`).expect(200);
    const form = { level: 'first_factor', strategy: 'password', password: PASSWORD };
    for (const id of [foreign, ended, 'sess_zz', '1']) {
      const answer = await browser.post(`/client/sessions/${id}/verify${path}`, form).expect(401);
      expect(errorOf(answer)).toEqual(['authentication_invalid']);
    }
  });
});

describe('403', () => {
  it('SECURITY 129: steps ask for an origin that is allowed', async () => {
    await verify('first_factor').expect(200);
    const form = { strategy: 'password', password: PASSWORD };
    await step('attempt_first_factor', form).set('Origin', 'https://evil.example').expect(403);
    await step('attempt_first_factor', form).expect(200);
  });
});

describe('422', () => {
  const FORMS: [string, Record<string, string>, [string, string]][] = [
    ['', {}, ['form_param_missing', 'level']],
    ['', { level: 'third_factor' }, ['form_param_value_invalid', 'level']],
    ['/prepare_first_factor', {}, ['form_param_missing', 'strategy']],
    ['/prepare_first_factor', { strategy: 'passkey' }, ['form_param_value_invalid', 'strategy']],
    ['/prepare_first_factor', { strategy: 'toString' }, ['form_param_value_invalid', 'strategy']],
    ['/attempt_first_factor', { strategy: 'password' }, ['form_param_missing', 'password']],
    ['/attempt_first_factor', { strategy: 'email_code' }, ['form_param_missing', 'code']],
    ['/attempt_first_factor', { strategy: 'totp', code: '123456' }, ['form_param_value_invalid', 'strategy']],
    ['/prepare_second_factor', { strategy: 'email_code' }, ['form_param_value_invalid', 'strategy']],
    ['/attempt_second_factor', { strategy: 'totp' }, ['form_param_missing', 'code']],
    [
      '/attempt_second_factor',
      { strategy: 'password', password: 'x' },
      ['form_param_value_invalid', 'strategy'],
    ],
  ];
  it.each(FORMS)('refuses verify%s with %j', async (path, form, error) => {
    const answer = await browser.post(`/client/sessions/${sessionId}/verify${path}`, form).expect(422);
    expect(errorOf(answer)).toEqual(error);
  });

  it("SECURITY 147: sends no code to somebody else's address or number", async () => {
    const other = await latchkey.addUser();
    await verify('first_factor').expect(200);
    const mail = { strategy: 'email_code', email_address_id: toId('emailAddress', other.id) };
    expect(errorOf(await step('prepare_first_factor', mail).expect(422))).toEqual([
      'form_param_value_invalid',
      'email_address_id',
    ]);
    const phone = { strategy: 'phone_code', phone_number_id: toId('phoneNumber', other.id) };
    expect(errorOf(await step('prepare_second_factor', phone).expect(422))).toEqual([
      'form_param_value_invalid',
      'phone_number_id',
    ]);
  });

  it('refuses a wrong password and wrong codes by their names', async () => {
    await verify('first_factor').expect(200);
    const wrong = { strategy: 'password', password: 'wrong password' };
    expect(errorOf(await step('attempt_first_factor', wrong).expect(422))).toEqual([
      'form_password_incorrect',
      'password',
    ]);
    await step('prepare_first_factor', { strategy: 'email_code' }).expect(200);
    const code = otherThan(mailedCode(mailboxes, person.email));
    expect(errorOf(await step('attempt_first_factor', { strategy: 'email_code', code }).expect(422))).toEqual(
      ['form_code_incorrect', 'code'],
    );
    const someone = await careful();
    await verify('second_factor').expect(200);
    const second = { strategy: 'totp', code: wrongCode(latchkey, someone.secret) };
    expect(errorOf(await step('attempt_second_factor', second).expect(422))).toEqual([
      'form_code_incorrect',
      'code',
    ]);
    expect(await browser.claims(sessionId)).toMatchObject({ fva: [2, 2] });
  });
});

describe('429', () => {
  it('sends a code every 30 seconds at most', async () => {
    await verify('first_factor').expect(200);
    await step('prepare_first_factor', { strategy: 'email_code' }).expect(200);
    const answer = await step('prepare_first_factor', { strategy: 'email_code' }).expect(429);
    expect(errorOf(answer)).toEqual(['verification_code_too_many_requests']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});
