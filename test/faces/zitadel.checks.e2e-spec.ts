import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { holdRows, sent } from '../support/held-rows.js';
import { Latchkey, type Person, type SignedInPerson } from '../support/latchkey.js';
import {
  asCareful,
  codeAt,
  forgetAttempts,
  validateOtp,
  wrongCode,
  type Careful,
} from '../support/second-factor.js';
import {
  addPhone,
  mailedCode,
  otherThan,
  startMailboxes,
  textedCode,
  type Mailboxes,
} from '../support/step-up.js';
import { asBackend, refusal, ZitadelClient, type Composed } from '../support/zitadel.js';

let mailboxes: Mailboxes;
let latchkey: Latchkey;
let zitadel: ZitadelClient;
let backend: SignedInPerson;

beforeAll(async () => {
  mailboxes = await startMailboxes();
  latchkey = await Latchkey.start(mailboxes.settings);
  zitadel = new ZitadelClient(latchkey);
  backend = await asBackend(latchkey);
});
afterAll(async () => {
  await latchkey.stop();
  await mailboxes.stop();
});
beforeEach(() => latchkey.clock.freeze());
afterEach(() => latchkey.clock.release());

const MAIL = { otpEmail: { sendCode: {} } };
const SMS = { otpSms: {} };
const INVALID_CODE = refusal(3, 'Invalid code', 'EVENT-8isk2');

const set = (id: string, body: object, token = backend.token) => zitadel.set(id, token, body);
const check = (id: string, checks: object) => set(id, { checks });
const passwordOf = ({ password }: Person) => ({ password: { password } });

/** The factors of a session, by name, with their times. */
async function factorsOf(id: string): Promise<Record<string, { verifiedAt: string }>> {
  return (await zitadel.get(id, backend.token).expect(200)).body.session.factors;
}

/** A session in which a careful person has proved their password. */
async function halfway(careful: Careful): Promise<Composed> {
  const checks = { user: { userId: careful.id }, ...passwordOf(careful) };
  return (await zitadel.create(backend.token, { checks }).expect(201)).body;
}

describe('a session of someone with a second factor', () => {
  it('is pending after the password, and becomes active by the code of their app', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId, sessionToken } = await halfway(careful);
    expect(await zitadel.statusOf(sessionToken)).toBe(403);
    const totp = { code: latchkey.codeNow(careful.secret) };
    const active = (await check(sessionId, { totp }).expect(200)).body;
    expect(await zitadel.statusOf(sessionToken)).toBe(401);
    const own = await latchkey.get('/api/v2/sessions/current', active.sessionToken).expect(200);
    expect(own.body.data.attributes.two_factor_auth).toBe(true);
    const at = expect.any(String);
    expect(await factorsOf(sessionId)).toMatchObject({
      password: { verifiedAt: at },
      totp: { verifiedAt: at },
    });
  });

  it('becomes active by a recovery code, once, and takes all proofs in one request', async () => {
    const careful = await asCareful(latchkey);
    const checks = {
      user: { loginName: careful.email },
      ...passwordOf(careful),
      recoveryCode: { code: careful.recoveryCodes[0] },
    };
    const { sessionToken } = (await zitadel.create(backend.token, { checks }).expect(201)).body;
    expect(await zitadel.statusOf(sessionToken)).toBe(200);
    const again = await zitadel.create(backend.token, { checks }).expect(400);
    expect(again.body).toEqual(refusal(3, 'Invalid recovery code provided', 'DOMAIN-6uvh0'));
  });

  it('takes the code first and the password after it', async () => {
    const careful = await asCareful(latchkey);
    const checks = { user: { userId: careful.id }, totp: { code: latchkey.codeNow(careful.secret) } };
    const { sessionId, sessionToken } = (await zitadel.create(backend.token, { checks }).expect(201)).body;
    expect(await zitadel.statusOf(sessionToken)).toBe(403);
    const active = (await check(sessionId, passwordOf(careful)).expect(200)).body;
    expect(await zitadel.statusOf(active.sessionToken)).toBe(200);
  });

  it('becomes active through no API by a code alone: the password is owed too', async () => {
    const careful = await asCareful(latchkey);
    const hex = (id: string) => BigInt(id).toString(16).padStart(24, '0');
    const throughLendix = ({ sessionId, sessionToken }: Composed) =>
      latchkey
        .post(`/lendix/sessions/${hex(sessionId)}`, null, { code: latchkey.codeNow(careful.secret) })
        .set({ sessionToken: sessionToken.replaceAll('-', ''), userId: hex(careful.id) })
        .set('Content-Type', 'application/json');
    const named = await zitadel.name(backend.token, careful);
    await throughLendix(named).expect(401);
    expect(await zitadel.statusOf(named.sessionToken)).toBe(403);
    await throughLendix(await halfway(careful)).expect(200); // where the password was checked, the code does
    latchkey.clock.move(30_000);
    // With the password it is a sign-in like any other.
    await validateOtp(latchkey, named.sessionId, { otp: latchkey.codeNow(careful.secret) }).expect(200);
    expect(Object.keys(await factorsOf(named.sessionId))).toEqual(['user', 'password', 'totp']);
  });

  it('SECURITY 38: becomes active by no code that was sent, neither by mail nor by SMS', async () => {
    const careful = await asCareful(latchkey);
    const number = await addPhone(latchkey, careful);
    const { sessionId } = await halfway(careful);
    await set(sessionId, { challenges: { ...MAIL, ...SMS } }).expect(200);
    const codes = {
      otpEmail: { code: mailedCode(mailboxes, careful.email) },
      otpSms: { code: textedCode(mailboxes, number) },
    };
    const { sessionToken } = (await check(sessionId, codes).expect(200)).body;
    expect(await zitadel.statusOf(sessionToken)).toBe(403);
    expect(Object.keys(await factorsOf(sessionId))).toEqual(['user', 'password', 'otpSms', 'otpEmail']);
  });

  it('SECURITY 28, 31: refuses a code of the app that was used, is five minutes off, or no code', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await halfway(careful);
    const code = latchkey.codeNow(careful.secret);
    await check(sessionId, { totp: { code } }).expect(200);
    const odd = [code, codeAt(latchkey, careful.secret, 300), ` ${code}`, `${code}0`, '１２３４５６'];
    for (const one of odd) {
      await forgetAttempts(latchkey);
      const { sessionId: other } = await halfway(careful);
      expect((await check(other, { totp: { code: one } }).expect(400)).body).toEqual(INVALID_CODE);
    }
  });

  it('takes a code for what it is: no recovery code for one of the app, nor the other way round', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await halfway(careful);
    await check(sessionId, { totp: { code: careful.recoveryCodes[0] } }).expect(400);
    await check(sessionId, { recoveryCode: { code: latchkey.codeNow(careful.secret) } }).expect(400);
    await check(sessionId, { otpEmail: { code: latchkey.codeNow(careful.secret) } }).expect(400);
  });

  it('takes the right code at the fifth try', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await halfway(careful);
    const wrong = { totp: { code: wrongCode(latchkey, careful.secret) } };
    for (let tries = 0; tries < 4; tries++) await check(sessionId, wrong).expect(400);
    await check(sessionId, { totp: { code: latchkey.codeNow(careful.secret) } }).expect(200);
  });

  it('is over after five codes, and after its window', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await halfway(careful);
    const wrong = { totp: { code: wrongCode(latchkey, careful.secret) } };
    for (let tries = 0; tries < 5; tries++) await check(sessionId, wrong).expect(400);
    const right = { totp: { code: latchkey.codeNow(careful.secret) } };
    const expired = refusal(9, 'Session has expired', 'COMMAND-Hkl3d');
    expect((await check(sessionId, right).expect(400)).body).toEqual(expired);
    const { sessionId: late } = await halfway(careful);
    latchkey.clock.move(300_000);
    const then = { totp: { code: latchkey.codeNow(careful.secret) } };
    expect((await check(late, then).expect(400)).body).toEqual(expired);
  });

  it('SECURITY 32: takes no code of the account after ten wrong ones over all sessions, with a new challenge either', async () => {
    const careful = await asCareful(latchkey);
    const wrong = { totp: { code: wrongCode(latchkey, careful.secret) } };
    for (let sessions = 0; sessions < 2; sessions++) {
      const { sessionId } = await halfway(careful);
      for (let tries = 0; tries < 5; tries++) await check(sessionId, wrong).expect(400);
    }
    const { sessionId } = await halfway(careful);
    const answer = await check(sessionId, { totp: { code: latchkey.codeNow(careful.secret) } }).expect(429);
    expect([answer.body.code, Number(answer.headers['retry-after']) > 0]).toEqual([8, true]);
  });

  it('SECURITY 26: takes one code from one of twenty', async () => {
    const careful = await asCareful(latchkey);
    const opened = await Promise.all(Array.from({ length: 4 }, () => halfway(careful)));
    const totp = { code: latchkey.codeNow(careful.secret) };
    const answers = await Promise.all(
      opened.flatMap(({ sessionId }) => Array.from({ length: 5 }, () => check(sessionId, { totp }))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => ![200, 400, 429].includes(status))).toEqual([]);
  });
});

describe('codes that are sent', () => {
  it('prove what they were sent for, by mail and by SMS, in one request or two', async () => {
    const person = await latchkey.asUser();
    const number = await addPhone(latchkey, person);
    const { sessionId } = await zitadel.open(backend.token, person);
    const sent = (await set(sessionId, { challenges: { ...MAIL, ...SMS } }).expect(200)).body;
    expect(Object.keys(sent)).toEqual(['details', 'sessionToken']); // no code comes back
    const otpEmail = { code: mailedCode(mailboxes, person.email) };
    const otpSms = { code: textedCode(mailboxes, number) };
    expect(Object.keys(await factorsOf(sessionId))).toEqual(['user', 'password']);
    await check(sessionId, { otpEmail, otpSms }).expect(200);
    expect(Object.keys(await factorsOf(sessionId))).toEqual(['user', 'password', 'otpSms', 'otpEmail']);
    expect((await check(sessionId, { otpEmail }).expect(400)).body).toEqual(
      refusal(9, 'Code not found', 'COMMAND-zF3g3'),
    );
  });

  it('are a first factor, and an SMS behind one the second of those without an app', async () => {
    const person = await latchkey.asUser();
    const number = await addPhone(latchkey, person);
    const { sessionId } = await zitadel.open(backend.token, person);
    const fields = 'fields[sessions]=two_factor_auth,secured_until';
    const natively = async () =>
      (await latchkey.get(`/api/v2/sessions/${sessionId}?${fields}`, person.token).expect(200)).body.data
        .attributes;
    expect(await natively()).toEqual({ two_factor_auth: false, secured_until: null });
    await set(sessionId, { challenges: SMS }).expect(200);
    await check(sessionId, { otpSms: { code: textedCode(mailboxes, number) } }).expect(200);
    expect(await natively()).toEqual({ two_factor_auth: true, secured_until: expect.any(String) });
  });

  it('open nothing without the password', async () => {
    const person = await latchkey.addUser();
    const body = { checks: { user: { userId: person.id } }, challenges: MAIL };
    const { sessionId } = (await zitadel.create(backend.token, body).expect(201)).body;
    const otpEmail = { code: mailedCode(mailboxes, person.email) };
    const { sessionToken } = (await check(sessionId, { otpEmail }).expect(200)).body;
    expect(await zitadel.statusOf(sessionToken)).toBe(403);
    const active = (await check(sessionId, passwordOf(person)).expect(200)).body;
    expect(await zitadel.statusOf(active.sessionToken)).toBe(200);
  });

  it('SECURITY 38: prove nothing in another session, nor after ten minutes, nor after a new one was sent', async () => {
    const person = await latchkey.addUser();
    const [one, two] = [await zitadel.open(backend.token, person), await zitadel.open(backend.token, person)];
    await set(one.sessionId, { challenges: MAIL }).expect(200);
    const first = mailedCode(mailboxes, person.email);
    latchkey.clock.move(30_000);
    await set(two.sessionId, { challenges: MAIL }).expect(200);
    const second = mailedCode(mailboxes, person.email);
    if (first !== second) {
      expect((await check(two.sessionId, { otpEmail: { code: first } }).expect(400)).body).toEqual(
        INVALID_CODE,
      );
    }
    latchkey.clock.move(30_000);
    await set(one.sessionId, { challenges: MAIL }).expect(200);
    const third = mailedCode(mailboxes, person.email);
    if (first !== third) await check(one.sessionId, { otpEmail: { code: first } }).expect(400);
    await check(two.sessionId, { otpEmail: { code: second } }).expect(200);
    latchkey.clock.move(600_000);
    expect((await check(one.sessionId, { otpEmail: { code: third } }).expect(400)).body.code).toBe(9);
  });

  it('are spent by one of ten', async () => {
    const person = await latchkey.addUser();
    const { sessionId } = await zitadel.open(backend.token, person);
    await set(sessionId, { challenges: MAIL }).expect(200);
    const otpEmail = { code: mailedCode(mailboxes, person.email) };
    const answers = await Promise.all(Array.from({ length: 10 }, () => check(sessionId, { otpEmail })));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect(answers.filter(({ status }) => ![200, 400].includes(status))).toEqual([]);
  });

  it('are no more than one in 30 seconds, and a challenge too early changes nothing', async () => {
    const person = await latchkey.addUser();
    const { sessionId, sessionToken } = await zitadel.open(backend.token, person);
    const { sessionToken: kept } = (await set(sessionId, { challenges: MAIL }).expect(200)).body;
    const mails = mailboxes.mail.received.length;
    const wanted = { challenges: MAIL, metadata: { a: 'YQ==' } };
    const answer = await set(sessionId, wanted).expect(429);
    expect([answer.body.code, answer.headers['retry-after']]).toEqual([8, '30']);
    const sessions = await latchkey.sql('SELECT count(*) FROM sessions');
    const opening = { checks: { user: { userId: person.id } }, challenges: MAIL };
    await zitadel.create(backend.token, opening).expect(429);
    expect(await latchkey.sql('SELECT count(*) FROM sessions')).toEqual(sessions);
    expect(await zitadel.statusOf(kept)).toBe(200);
    expect(await zitadel.statusOf(sessionToken)).toBe(401);
    expect(mailboxes.mail.received).toHaveLength(mails);
  });

  it('go by no SMS to whoever has no telephone: nothing is opened, sent or changed', async () => {
    const person = await latchkey.addUser();
    const sessions = await latchkey.sql('SELECT count(*) FROM sessions');
    const mails = mailboxes.mail.received.length;
    const opening = { checks: { user: { userId: person.id } }, challenges: { ...MAIL, ...SMS } };
    const { body } = await zitadel.create(backend.token, opening).expect(400);
    expect(body).toEqual(refusal(9, "Multifactor OTP (OneTimePassword) isn't ready", 'COMMAND-BJ2g3'));
    expect(await latchkey.sql('SELECT count(*) FROM sessions')).toEqual(sessions);
    expect(mailboxes.mail.received).toHaveLength(mails);
  });

  it('answer 503 with a time to come back where a channel leads nowhere', async () => {
    const person = await latchkey.addUser();
    const mute = await Latchkey.start({ CONSOLE_CODES: 'false' }, latchkey);
    try {
      const opening = { checks: { user: { userId: person.id } }, challenges: MAIL };
      const answer = await new ZitadelClient(mute).create(backend.token, opening).expect(503);
      expect([answer.body.code, answer.headers['retry-after']]).toEqual([14, '60']);
    } finally {
      await mute.stop();
    }
  });
});

describe('a code that is handed over', () => {
  const RETURNED = { otpEmail: { returnCode: {} } };

  it('comes back to the opener, by whom it is delivered', async () => {
    const person = await latchkey.asUser();
    await addPhone(latchkey, person);
    const { sessionId } = await zitadel.open(backend.token, person);
    const mails = mailboxes.mail.received.length;
    const challenges = { ...RETURNED, otpSms: { returnCode: true } };
    const { body } = await set(sessionId, { challenges }).expect(200);
    const code = expect.stringMatching(/^\d{6}$/);
    expect(body.challenges).toEqual({ otpSms: code, otpEmail: code });
    expect(mailboxes.mail.received).toHaveLength(mails);
    const codes = { otpSms: { code: body.challenges.otpSms }, otpEmail: { code: body.challenges.otpEmail } };
    await check(sessionId, codes).expect(200);
  });

  it('comes back with a creation', async () => {
    const person = await latchkey.addUser();
    const opening = { checks: { user: { userId: person.id } }, challenges: RETURNED };
    const { sessionId, challenges } = (await zitadel.create(backend.token, opening).expect(201)).body;
    await check(sessionId, { otpEmail: { code: otherThan(challenges.otpEmail) } }).expect(400);
    await check(sessionId, { otpEmail: { code: challenges.otpEmail } }).expect(200);
  });

  it('403: comes back to nobody for their own session: it would prove nothing', async () => {
    const user = await latchkey.asUser();
    await set(user.sessionId, { challenges: RETURNED }, user.token).expect(403);
    const app = await asBackend(latchkey);
    await set(app.sessionId, { challenges: RETURNED }, app.token).expect(403);
    const opening = { checks: { user: { userId: app.id } }, challenges: RETURNED };
    await zitadel.create(app.token, opening).expect(403);
    const own = { checks: { user: { userId: app.id } } };
    const { sessionId } = (await zitadel.create(app.token, own).expect(201)).body;
    await set(sessionId, { challenges: RETURNED }, app.token).expect(403);
  });

  it('403: comes back to nobody who holds fewer rights than the user, or did not open the session', async () => {
    const admin = await latchkey.asAdmin();
    const opening = { checks: { user: { userId: admin.id } }, challenges: RETURNED };
    await zitadel.create(backend.token, opening).expect(403);
    const { sessionId } = await zitadel.open(backend.token, await latchkey.addUser());
    await set(sessionId, { challenges: RETURNED }, admin.token).expect(403);
  });

  it('but sends one’s own to oneself', async () => {
    const user = await latchkey.asUser();
    const { sessionToken } = (await set(user.sessionId, { challenges: MAIL }, user.token).expect(200)).body;
    const checks = { otpEmail: { code: mailedCode(mailboxes, user.email) } };
    await set(user.sessionId, { checks }, sessionToken).expect(200);
  });
});

describe('all checks of one request', () => {
  it('are spent together or not at all', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await zitadel.name(backend.token, careful);
    const totp = { code: latchkey.codeNow(careful.secret) };
    const recoveryCode = { code: careful.recoveryCodes[0] };
    const wrong = { recoveryCode: { code: 'aaaaaaaa' } };
    await check(sessionId, { ...passwordOf(careful), totp, ...wrong }).expect(400);
    await check(sessionId, { password: { password: 'wrong' }, totp, recoveryCode }).expect(400);
    expect(Object.keys(await factorsOf(sessionId))).toEqual(['user']);
    const { sessionToken } = (
      await check(sessionId, { ...passwordOf(careful), totp, recoveryCode }).expect(200)
    ).body;
    expect(await zitadel.statusOf(sessionToken)).toBe(200);
  });

  it('spend no code when the challenge beside them is refused', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await halfway(careful);
    const totp = { code: latchkey.codeNow(careful.secret) };
    await set(sessionId, { checks: { totp }, challenges: SMS }).expect(400); // no telephone
    await check(sessionId, { totp }).expect(200);
  });
});

describe('step-up', () => {
  it('through ZITADEL is step-up everywhere: another session of an administrator may be set again', async () => {
    const admin = await latchkey.asAdmin();
    const user = await latchkey.asUser();
    latchkey.clock.move(3_600_001);
    const metadata = { a: 'YQ==' };
    await set(user.sessionId, { metadata }, admin.token).expect(403);
    const { sessionToken } = (
      await set(admin.sessionId, { checks: passwordOf(admin) }, admin.token).expect(200)
    ).body;
    await set(user.sessionId, { metadata }, sessionToken).expect(200);
  });
});

describe('a code that is spent while another one is sent', () => {
  it('stands in nobody’s way: one is done after the other', async () => {
    const user = await latchkey.addUser();
    const { sessionId } = await zitadel.name(backend.token, user, { challenges: MAIL });
    const checks = { otpEmail: { code: mailedCode(mailboxes, user.email) } };
    latchkey.clock.move(31_000);
    const sendings = 'SELECT FROM code_sendings WHERE user_id = $1 FOR UPDATE';
    const held = await holdRows(latchkey, sendings, [user.id]);
    const sending = sent(zitadel.set(sessionId, backend.token, { challenges: MAIL }));
    await held.untilWaiting(1);
    const spending = sent(zitadel.set(sessionId, backend.token, { checks, challenges: MAIL }));
    await held.untilWaiting(2);
    await held.release();
    // The second is sent nothing so soon, and so proves nothing either.
    expect([(await sending).status, (await spending).status]).toEqual([200, 429]);
  });
});

describe('SECURITY 32: whoever opens sessions', () => {
  it('shuts nobody out of their account by wrong codes without a password', async () => {
    const careful = await asCareful(latchkey);
    const checks = { totp: { code: wrongCode(latchkey, careful.secret) } };
    const statuses: number[] = [];
    for (let round = 0; round < 11; round++) {
      const { sessionId } = await zitadel.name(backend.token, careful);
      statuses.push((await zitadel.set(sessionId, backend.token, { checks })).status);
    }
    expect(statuses).toEqual([...Array<number>(5).fill(400), ...Array<number>(6).fill(429)]);
    const { sessionId } = await latchkey.signIn(careful);
    await validateOtp(latchkey, sessionId, { otp: latchkey.codeNow(careful.secret) }).expect(200);
  });
});
