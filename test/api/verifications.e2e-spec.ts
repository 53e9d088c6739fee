import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { invalidAttribute, NOT_FOUND, TOO_MANY_CODES, UNAUTHENTICATED } from '../support/refusals.js';
import { asCareful, forgetAttempts, wrongCode } from '../support/second-factor.js';
import {
  addPhone,
  askForCode,
  attempt,
  mailedCode,
  otherThan,
  startMailboxes,
  startVerification,
  textedCode,
  type Mailboxes,
} from '../support/step-up.js';

let latchkey: Latchkey;
let mailboxes: Mailboxes;

beforeAll(async () => {
  mailboxes = await startMailboxes();
  latchkey = await Latchkey.start(mailboxes.settings);
});
afterAll(async () => {
  await latchkey.stop();
  await mailboxes.stop();
});

interface Stamps {
  password_verified_at: Date | null;
  email_code_verified_at: Date | null;
  sms_code_verified_at: Date | null;
  totp_verified_at: Date | null;
  recovery_code_verified_at: Date | null;
  first_factor_verified_at: Date | null;
  otp_verified_at: Date | null;
  version: number;
}

/** The stamps of a session that are of this very moment, and its version. */
async function stampedNow(sessionId: string): Promise<string[]> {
  const [row] = await latchkey.sql<Stamps>('SELECT * FROM sessions WHERE id = $1', [sessionId]);
  const now = latchkey.clock.milliseconds();
  return Object.entries(row!)
    .filter(([name, at]) => name.endsWith('_verified_at') && at instanceof Date && at.getTime() > now - 1000)
    .map(([name]) => name.replace('_verified_at', ''))
    .sort();
}

/** Opens a verification in the person's session. @returns its id */
async function opened(person: SignedInPerson, attributes: object): Promise<string> {
  const { body } = await startVerification(latchkey, person, attributes).expect(201);
  return body.data.id;
}

/** Lets so much time pass that nobody's sign-in counts for a proof of this moment. */
const later = () => latchkey.clock.move(60_000);

describe('201', () => {
  it('opens a verification for ten minutes, and says how the first step can be taken', async () => {
    const person = await latchkey.asUser();
    const response = await startVerification(latchkey, person, { level: 'first_factor' }).expect(201);
    const { data } = response.body;
    expect(data).toMatchObject({
      type: 'verifications',
      attributes: {
        session_id: Number(person.sessionId),
        level: 'first_factor',
        status: 'needs_first_factor',
        strategies: ['password', 'email_code'],
        first_factor_verified_at: null,
        second_factor_verified_at: null,
      },
      relationships: { session: { meta: { included: false } } },
    });
    const { created_at: createdAt, expires_at: expiresAt } = data.attributes;
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(600_000);
    expect(response.headers.location).toMatch(new RegExp(`/api/v2/verifications/${data.id}$`));
  });

  it('sends the code at once when a strategy is named', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
    const code = mailedCode(mailboxes, person.email);
    await attempt(latchkey, person.token, id, { strategy: 'email_code', code }).expect(200);
  });

  it('SECURITY 146: falls back to the first factor for whoever has no second one, and says so', async () => {
    const person = await latchkey.asUser();
    for (const level of ['second_factor', 'multi_factor']) {
      const { body } = await startVerification(latchkey, person, { level }).expect(201);
      expect(body.data.attributes).toMatchObject({ level: 'first_factor', status: 'needs_first_factor' });
    }
  });

  const SUPPORTED: [string, boolean, boolean, string, string[]][] = [
    ['first_factor', false, true, 'needs_first_factor', ['password', 'email_code', 'sms_code']],
    ['second_factor', false, true, 'needs_second_factor', ['sms_code']],
    ['multi_factor', false, true, 'needs_first_factor', ['password', 'email_code']],
    ['second_factor', true, false, 'needs_second_factor', ['totp', 'recovery_code']],
    ['second_factor', true, true, 'needs_second_factor', ['totp', 'recovery_code']],
    ['multi_factor', true, true, 'needs_first_factor', ['password', 'email_code', 'sms_code']],
  ];
  it.each(SUPPORTED)(
    'asked for %s of someone (authenticator app: %s, telephone: %s) is %s by %j',
    async (level, app, phone, status, strategies) => {
      const person = app ? await asCareful(latchkey) : await latchkey.asUser();
      if (phone) await addPhone(latchkey, person);
      const { body } = await startVerification(latchkey, person, { level }).expect(201);
      expect(body.data.attributes).toMatchObject({ level, status, strategies });
    },
  );

  it('replaces the one that was open', async () => {
    const person = await latchkey.asUser();
    const first = await opened(person, { level: 'first_factor' });
    await opened(person, { level: 'first_factor' });
    const { body } = await latchkey.get(`/api/v2/verifications/${first}`, person.token).expect(200);
    expect(body.data.attributes).toMatchObject({ status: 'replaced', strategies: [] });
    await attempt(latchkey, person.token, first, { strategy: 'password', password: PASSWORD }).expect(409);
  });
});

describe('200', () => {
  it('stamps the session by a password', async () => {
    const person = await latchkey.asUser();
    later();
    const id = await opened(person, { level: 'first_factor' });
    const proof = { strategy: 'password', password: PASSWORD };
    const { body } = await attempt(latchkey, person.token, id, proof).expect(200);
    expect(body.data.attributes).toMatchObject({ status: 'complete', strategies: [] });
    expect(body.data.attributes.first_factor_verified_at).not.toBeNull();
    expect(await stampedNow(person.sessionId)).toEqual(['first_factor', 'password']);
  });

  it('stamps the session by a code from a mail, which may be given once', async () => {
    const person = await latchkey.asUser();
    later();
    const id = await opened(person, { level: 'first_factor' });
    await askForCode(latchkey, person.token, id, 'email_code').expect(200);
    const code = mailedCode(mailboxes, person.email);
    await attempt(latchkey, person.token, id, { strategy: 'email_code', code }).expect(200);
    expect(await stampedNow(person.sessionId)).toEqual(['email_code', 'first_factor']);
    expect(await latchkey.sql('SELECT FROM sent_codes WHERE user_id = $1', [person.id])).toEqual([]);

    const next = await opened(person, { level: 'first_factor' });
    await attempt(latchkey, person.token, next, { strategy: 'email_code', code }).expect(409);
  });

  it('proves both factors in turn, and takes back no factor that was proved', async () => {
    const careful = await asCareful(latchkey);
    later();
    const id = await opened(careful, { level: 'multi_factor' });
    const password = { strategy: 'password', password: PASSWORD };
    const half = await attempt(latchkey, careful.token, id, password).expect(200);
    expect(half.body.data.attributes).toMatchObject({
      status: 'needs_second_factor',
      strategies: ['totp', 'recovery_code'],
    });
    expect(await stampedNow(careful.sessionId)).toEqual(['first_factor', 'password']);
    const code = latchkey.codeNow(careful.secret);
    const whole = await attempt(latchkey, careful.token, id, { strategy: 'totp', code }).expect(200);
    expect(whole.body.data.attributes.status).toBe('complete');
    expect(await stampedNow(careful.sessionId)).toEqual(['first_factor', 'otp', 'password', 'totp']);
  });

  it('takes a recovery code for the second factor, once', async () => {
    const careful = await asCareful(latchkey);
    later();
    const proof = { strategy: 'recovery_code', code: careful.recoveryCodes[0]!.toUpperCase() };
    const id = await opened(careful, { level: 'second_factor' });
    await attempt(latchkey, careful.token, id, proof).expect(200);
    expect(await stampedNow(careful.sessionId)).toEqual(['otp', 'recovery_code']);
    const next = await opened(careful, { level: 'second_factor' });
    await attempt(latchkey, careful.token, next, proof).expect(422, invalidAttribute('code'));
  });

  it('takes a texted code as second factor of whoever has a telephone and no authenticator app', async () => {
    const person = await latchkey.asUser();
    const number = await addPhone(latchkey, person);
    const id = await opened(person, { level: 'second_factor', strategy: 'sms_code' });
    later();
    const code = textedCode(mailboxes, number);
    const { body } = await attempt(latchkey, person.token, id, { strategy: 'sms_code', code }).expect(200);
    expect(body.data.attributes).toMatchObject({ level: 'second_factor', status: 'complete' });
    expect(await stampedNow(person.sessionId)).toEqual(['otp', 'sms_code']);
  });

  it('sends along the session as it is by then, when asked', async () => {
    const person = await latchkey.asUser();
    const before = await latchkey.get('/api/v2/sessions/current?fields[sessions]=version', person.token);
    const id = await opened(person, { level: 'first_factor' });
    const path = `/api/v2/verifications/${id}/attempts?include=session&fields[sessions]=version,token`;
    const proof = document('verifications', { strategy: 'password', password: PASSWORD });
    const { body } = await latchkey.post(path, person.token, proof).expect(200);
    expect(body.included).toEqual([
      {
        id: person.sessionId,
        type: 'sessions',
        attributes: { token: null, version: before.body.data.attributes.version + 1 },
      },
    ]);
  });

  it('lets one session of a user prove for another of the same user', async () => {
    const person = await latchkey.asUser();
    const second = await latchkey.signIn(person);
    later();
    const id = await opened({ ...person, token: second.token }, { level: 'first_factor' });
    await attempt(latchkey, second.token, id, { strategy: 'password', password: PASSWORD }).expect(200);
    expect(await stampedNow(person.sessionId)).toEqual(['first_factor', 'password']);
    expect(await stampedNow(second.sessionId)).toEqual([]);
  });

  it('SECURITY 37: of three codes sent only the last is good', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
    const codes = [mailedCode(mailboxes, person.email)];
    for (let n = 0; n < 2; n++) {
      latchkey.clock.move(30_000);
      await askForCode(latchkey, person.token, id, 'email_code').expect(200);
      codes.push(mailedCode(mailboxes, person.email));
    }
    const [first, second, last] = codes as [string, string, string];
    for (const old of [first, second].filter((code) => code !== last)) {
      const proof = { strategy: 'email_code', code: old };
      await attempt(latchkey, person.token, id, proof).expect(422, invalidAttribute('code'));
    }
    await attempt(latchkey, person.token, id, { strategy: 'email_code', code: last }).expect(200);
  });

  it('has as much time as the code that was sent last', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor' });
    latchkey.clock.move(9 * 60_000);
    await askForCode(latchkey, person.token, id, 'email_code').expect(200);
    latchkey.clock.move(599_000);
    const code = mailedCode(mailboxes, person.email);
    await attempt(latchkey, person.token, id, { strategy: 'email_code', code }).expect(200);
  });

  it('sends to the number as E.164 writes it', async () => {
    const person = await latchkey.asUser();
    const attributes = { phone_number: '0043 (0)660 / 123-45.67', current_password: PASSWORD };
    const body = document('users', attributes, { id: person.id });
    await latchkey.patch(`/api/v2/users/${person.id}`, person.token, body).expect(200);
    await opened(person, { level: 'first_factor', strategy: 'sms_code' });
    expect(mailboxes.sms.received().at(-1)).toMatchObject({ to: '+436601234567' });
  });
});

describe('401', () => {
  it('refuses a verification whose session has ended', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor' });
    await latchkey.delete(`/api/v2/sessions/${person.sessionId}`, person.token).expect(204);
    const proof = { strategy: 'password', password: PASSWORD };
    await attempt(latchkey, person.token, id, proof).expect(401, UNAUTHENTICATED);
    const other = await latchkey.signIn(person);
    await attempt(latchkey, other.token, id, proof).expect(404, NOT_FOUND);
  });
});

describe('404', () => {
  it('does not know a session or a verification of somebody else, an administrator’s eyes included', async () => {
    const victim = await latchkey.asUser();
    const id = await opened(victim, { level: 'first_factor' });
    for (const stranger of [await latchkey.asUser(), await latchkey.asAdmin()]) {
      const inTheirName = { sessionId: victim.sessionId, token: stranger.token };
      await startVerification(latchkey, inTheirName, { level: 'first_factor' }).expect(404, NOT_FOUND);
      await latchkey.get(`/api/v2/verifications/${id}`, stranger.token).expect(404, NOT_FOUND);
      await askForCode(latchkey, stranger.token, id, 'email_code').expect(404, NOT_FOUND);
      const proof = { strategy: 'password', password: PASSWORD };
      await attempt(latchkey, stranger.token, id, proof).expect(404, NOT_FOUND);
    }
    const { body } = await latchkey.get(`/api/v2/verifications/${id}`, victim.token).expect(200);
    expect(body.data.attributes.status).toBe('needs_first_factor');
  });

  it.each(['0', '-1', '1e3', 'x', '9223372036854775808', '00', '%00'])('knows no id %s', async (id) => {
    const person = await latchkey.asUser();
    for (const response of [
      await startVerification(latchkey, { ...person, sessionId: id }, { level: 'first_factor' }),
      await latchkey.get(`/api/v2/verifications/${id}`, person.token),
      await askForCode(latchkey, person.token, id, 'email_code'),
      await attempt(latchkey, person.token, id, { strategy: 'password', password: PASSWORD }),
    ]) {
      expect([response.status, response.body]).toEqual([404, NOT_FOUND]);
    }
  });
});

describe('409', () => {
  const over = 'The verification is over: open a new one';
  const outOfOrder = 'The verification asks for another factor at this point';

  it('SECURITY 36, 143: is over after ten minutes, whatever the proof', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
    const code = mailedCode(mailboxes, person.email);
    latchkey.clock.move(600_000);
    const proofs = [
      { strategy: 'email_code', code },
      { strategy: 'password', password: PASSWORD },
    ];
    for (const proof of proofs) {
      const { body } = await attempt(latchkey, person.token, id, proof).expect(409);
      expect(body.errors[0].detail).toBe(over);
    }
    await askForCode(latchkey, person.token, id, 'email_code').expect(409);
    const { body } = await latchkey.get(`/api/v2/verifications/${id}`, person.token).expect(200);
    expect(body.data.attributes.status).toBe('expired');
  });

  it('SECURITY 32: has failed after five wrong proofs, and the right one comes too late', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
    const code = mailedCode(mailboxes, person.email);
    for (let n = 0; n < 4; n++) {
      const proof = { strategy: 'email_code', code: otherThan(code) };
      await attempt(latchkey, person.token, id, proof).expect(422, invalidAttribute('code'));
    }
    const wrong = { strategy: 'password', password: 'not the password' };
    await attempt(latchkey, person.token, id, wrong).expect(422, invalidAttribute('password'));
    const { body } = await attempt(latchkey, person.token, id, { strategy: 'email_code', code }).expect(409);
    expect(body.errors[0].detail).toBe(over);
    const { body: read } = await latchkey.get(`/api/v2/verifications/${id}`, person.token).expect(200);
    expect(read.data.attributes.status).toBe('failed');
    expect(await stampedNow(person.sessionId)).not.toContain('email_code');
  });

  it('SECURITY 147: takes no factor out of its turn', async () => {
    const careful = await asCareful(latchkey);
    const both = await opened(careful, { level: 'multi_factor' });
    const totp = { strategy: 'totp', code: latchkey.codeNow(careful.secret) };
    const early = await attempt(latchkey, careful.token, both, totp).expect(409);
    expect(early.body.errors[0].detail).toBe(outOfOrder);
    const second = await opened(careful, { level: 'second_factor' });
    const password = { strategy: 'password', password: PASSWORD };
    await attempt(latchkey, careful.token, second, password).expect(409);
    await askForCode(latchkey, careful.token, second, 'email_code').expect(409);
    // None of them was a try, and the code is still good.
    await attempt(latchkey, careful.token, second, totp).expect(200);
  });

  it('SECURITY 147: takes no code that was not sent, and does not count it', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor' });
    for (let n = 0; n < 12; n++) {
      const { body } = await attempt(latchkey, person.token, id, {
        strategy: 'email_code',
        code: '123456',
      }).expect(409);
      expect(body.errors[0].detail).toBe('No code was sent for this verification that is still valid');
    }
    await attempt(latchkey, person.token, id, { strategy: 'password', password: PASSWORD }).expect(200);
  });

  it('SECURITY 38: a code proves nothing but what it was sent for', async () => {
    const person = await latchkey.asUser();
    const other = await latchkey.signIn(person);
    const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
    const code = mailedCode(mailboxes, person.email);
    latchkey.clock.move(30_000);
    const elsewhere = await opened(
      { ...person, ...other },
      { level: 'first_factor', strategy: 'email_code' },
    );
    if (mailedCode(mailboxes, person.email) === code) return; // one in a million
    const proof = { strategy: 'email_code', code };
    await attempt(latchkey, other.token, elsewhere, proof).expect(422, invalidAttribute('code'));
    await attempt(latchkey, person.token, id, proof).expect(200);
  });

  it('is over once the credentials changed', async () => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
    const code = mailedCode(mailboxes, person.email);
    await addPhone(latchkey, person);
    await attempt(latchkey, person.token, id, { strategy: 'email_code', code }).expect(409);
    await attempt(latchkey, person.token, id, { strategy: 'password', password: PASSWORD }).expect(409);
  });
});

describe('403', () => {
  it('asks for a session that a person signed in to', async () => {
    const person = await latchkey.asUser();
    const minted = await latchkey
      .post('/api/v2/sessions/machine', person.token, document('sessions', { name: 'ci' }))
      .expect(201);
    const machine = { sessionId: minted.body.data.id, token: minted.body.data.attributes.token };
    await startVerification(latchkey, machine, { level: 'first_factor' }).expect(403);
    await startVerification(latchkey, { ...machine, token: person.token }, { level: 'first_factor' }).expect(
      403,
    );
    const inTheirName = { ...person, token: machine.token };
    await startVerification(latchkey, inTheirName, { level: 'first_factor' }).expect(403);
  });
});

describe('422', () => {
  const STARTS: [string, object, object][] = [
    ['no level', {}, invalidAttribute('level', "can't be blank")],
    ['an unknown level', { level: 'third_factor' }, invalidAttribute('level')],
    ['a list of levels', { level: ['first_factor'] }, invalidAttribute('level')],
    ['the name of a prototype', { level: 'constructor' }, invalidAttribute('level')],
    [
      'a strategy that sends nothing',
      { level: 'first_factor', strategy: 'totp' },
      invalidAttribute('strategy'),
    ],
    [
      'a telephone that is not there',
      { level: 'first_factor', strategy: 'sms_code' },
      invalidAttribute('strategy', 'is not available'),
    ],
  ];
  it.each(STARTS)('opens none with %s', async (_, attributes, expected) => {
    const person = await latchkey.asUser();
    await startVerification(latchkey, person, attributes).expect(422, expected);
    expect(await latchkey.sql('SELECT FROM verifications WHERE session_id = $1', [person.sessionId])).toEqual(
      [],
    );
  });

  const ATTEMPTS: [string, object, object][] = [
    ['no strategy', { code: '123456' }, invalidAttribute('strategy', "can't be blank")],
    ['an unknown strategy', { strategy: 'passkey', code: '1' }, invalidAttribute('strategy')],
    ['no password', { strategy: 'password' }, invalidAttribute('password', "can't be blank")],
    ['no code', { strategy: 'email_code' }, invalidAttribute('code', "can't be blank")],
    [
      'the password as code',
      { strategy: 'password', code: PASSWORD },
      invalidAttribute('password', "can't be blank"),
    ],
    ['a number', { strategy: 'email_code', code: 123456 }, invalidAttribute('code')],
    ['a list', { strategy: 'email_code', code: ['123456'] }, invalidAttribute('code')],
    ['a NUL', { strategy: 'email_code', code: '123456\0' }, invalidAttribute('code')],
    [
      '5,000 characters',
      { strategy: 'email_code', code: '1'.repeat(5_000) },
      invalidAttribute('code', 'is too long'),
    ],
  ];
  it.each(ATTEMPTS)('tries nothing with %s', async (_, attributes, expected) => {
    const person = await latchkey.asUser();
    const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
    await attempt(latchkey, person.token, id, attributes).expect(422, expected);
    const [row] = await latchkey.sql<{ attempts: number }>(
      'SELECT attempts FROM verifications WHERE id = $1',
      [id],
    );
    expect(row!.attempts).toBe(0);
  });

  it.each([' 123456', '１２３４５６', '123 456', '+12345', '12345', '1234567', '0x1e24'])(
    'SECURITY 31: takes only the six digits that were sent: %j',
    async (code) => {
      const person = await latchkey.asUser();
      const id = await opened(person, { level: 'first_factor', strategy: 'email_code' });
      const proof = { strategy: 'email_code', code };
      await attempt(latchkey, person.token, id, proof).expect(422, invalidAttribute('code'));
    },
  );

  it('has no SMS in the place of an authenticator app', async () => {
    const careful = await asCareful(latchkey);
    await addPhone(latchkey, careful);
    const id = await opened(careful, { level: 'second_factor' });
    const expected = invalidAttribute('strategy', 'is not available');
    await askForCode(latchkey, careful.token, id, 'sms_code').expect(422, expected);
    const proof = { strategy: 'sms_code', code: '123456' };
    await attempt(latchkey, careful.token, id, proof).expect(422, expected);
  });

  it('has no SMS for both factors of one verification', async () => {
    const person = await latchkey.asUser();
    await addPhone(latchkey, person);
    const start = { level: 'multi_factor', strategy: 'sms_code' };
    await startVerification(latchkey, person, start).expect(
      422,
      invalidAttribute('strategy', 'is not available'),
    );
  });

  it.each(['0660 1234567', '12345', '+0660123456', 'call me', '+43 660 123456789012', '+٤٣٦٦٠١٢٣٤٥٦'])(
    'sends no SMS to %s',
    async (number) => {
      const person = await latchkey.asUser();
      const body = document('users', { phone_number: number, current_password: PASSWORD }, { id: person.id });
      await latchkey.patch(`/api/v2/users/${person.id}`, person.token, body).expect(200);
      const start = { level: 'first_factor', strategy: 'sms_code' };
      await startVerification(latchkey, person, start).expect(422);
    },
  );
});

describe('429', () => {
  it('SECURITY 143: sends one code within thirty seconds, and what it would have replaced stays', async () => {
    const person = await latchkey.asUser();
    const start = { level: 'first_factor', strategy: 'email_code' };
    const id = await opened(person, start);
    latchkey.clock.move(29_000);
    for (const refused of [
      await startVerification(latchkey, person, start),
      await askForCode(latchkey, person.token, id, 'email_code'),
    ]) {
      expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
    }
    const code = mailedCode(mailboxes, person.email);
    await attempt(latchkey, person.token, id, { strategy: 'email_code', code }).expect(200);
  });

  it('SECURITY 37, 143: sends ten codes within an hour by one channel, spent ones included', async () => {
    const person = await latchkey.asUser();
    const number = await addPhone(latchkey, person);
    const start = { level: 'first_factor', strategy: 'sms_code' };
    for (let n = 0; n < 10; n++) {
      const id = await opened(person, start);
      const proof = { strategy: 'sms_code', code: textedCode(mailboxes, number) };
      if (n % 2 === 0) await attempt(latchkey, person.token, id, proof).expect(200);
      latchkey.clock.move(60_000);
    }
    const refused = await startVerification(latchkey, person, start).expect(429);
    const wait = Number(refused.headers['retry-after']); // time goes on meanwhile
    expect([wait > 49 * 60, wait <= 50 * 60]).toEqual([true, true]);
    await opened(person, { ...start, strategy: 'email_code' });
    latchkey.clock.move(50 * 60_000);
    await opened(person, start);
  });

  it('SECURITY 32, 34: ten wrong codes refuse every code of the account, in a new verification too', async () => {
    const careful = await asCareful(latchkey);
    for (let n = 0; n < 2; n++) {
      const id = await opened(careful, { level: 'second_factor' });
      for (let m = 0; m < 5; m++) {
        const strategy = m % 2 ? 'totp' : 'recovery_code';
        const code = strategy === 'totp' ? wrongCode(latchkey, careful.secret) : 'zzzzzzzz';
        await attempt(latchkey, careful.token, id, { strategy, code }).expect(422);
      }
    }
    const id = await opened(careful, { level: 'second_factor' });
    const proof = { strategy: 'totp', code: latchkey.codeNow(careful.secret) };
    await attempt(latchkey, careful.token, id, proof).expect(429, TOO_MANY_CODES);
    await forgetAttempts(latchkey);
    await attempt(latchkey, careful.token, id, proof).expect(200); // what was not looked at was no try
  });
});

describe('503', () => {
  it('says that there is no way to send a code, and opens nothing', async () => {
    const person = await latchkey.asUser();
    await addPhone(latchkey, person);
    const mute = await Latchkey.start({ CONSOLE_CODES: 'false' }, latchkey);
    try {
      mute.clock.move(latchkey.clock.milliseconds() - mute.clock.milliseconds());
      for (const strategy of ['email_code', 'sms_code']) {
        const start = { level: 'first_factor', strategy };
        const { body, headers } = await startVerification(mute, person, start).expect(503);
        expect([body.errors[0].code, headers['retry-after']]).toEqual(['unavailable', '60']);
      }
      const id = await opened(person, { level: 'first_factor' });
      await askForCode(mute, person.token, id, 'email_code').expect(503);
      // It counts for no sending.
      await askForCode(latchkey, person.token, id, 'email_code').expect(200);
    } finally {
      await mute.stop();
    }
  });
});

describe('at rest', () => {
  it('SECURITY 40: a code is nothing but a keyed hash, and is gone once its time has passed', async () => {
    const person = await latchkey.asUser();
    await opened(person, { level: 'first_factor', strategy: 'email_code' });
    const code = mailedCode(mailboxes, person.email);
    const mine = 'SELECT code_hash AS hash, c::text AS whole FROM sent_codes c WHERE user_id = $1';
    const [row] = await latchkey.sql<{ hash: Buffer; whole: string }>(mine, [person.id]);
    expect(row!.hash).toHaveLength(32);
    expect(row!.whole.split(',')).not.toContain(code);
    const plain = createHash('sha256').update(code).digest();
    expect(row!.hash.equals(plain)).toBe(false);

    latchkey.clock.move(600_000);
    await opened(await latchkey.asUser(), { level: 'first_factor', strategy: 'email_code' });
    expect(await latchkey.sql(mine, [person.id])).toEqual([]);
  });
});
