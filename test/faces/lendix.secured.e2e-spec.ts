import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { toLendixId } from '../../src/faces/lendix/translate.js';
import { mintJwt, mintMachine } from '../support/access-table.js';
import { lendix } from '../support/apis.js';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { asCareful, forgetAttempts } from '../support/second-factor.js';
import {
  addPhone,
  mailedCode,
  otherThan,
  startMailboxes,
  startVerification,
  textedCode,
  type Mailboxes,
} from '../support/step-up.js';

let latchkey: Latchkey;
let boxes: Mailboxes;

beforeAll(async () => {
  boxes = await startMailboxes();
  latchkey = await Latchkey.start(boxes.settings);
});
afterAll(async () => {
  await latchkey?.stop();
  await boxes?.stop();
});
afterEach(() => forgetAttempts(latchkey));

const MINUTE = 60_000;
const byMail = { secured: true, codeOrigin: 'email' };

/** `POST /sessions/:id` of the person's own session, unless another is named. */
function post(person: SignedInPerson, body: object | undefined, sessionId = person.sessionId) {
  const path = `/sessions/${toLendixId(sessionId)}`;
  return lendix(latchkey, 'post', path, { userId: person.id, token: person.token }, body);
}

async function isSecured(person: SignedInPerson): Promise<boolean> {
  const seat = { userId: person.id, token: person.token };
  const path = `/sessions/${toLendixId(person.sessionId)}`;
  return (await lendix(latchkey, 'get', path, seat).expect(200)).body.session.secured;
}

/** Somebody to whom a code was mailed. */
async function awaiting(): Promise<{ person: SignedInPerson; code: string }> {
  const person = await latchkey.asUser();
  await post(person, byMail).expect(200);
  return { person, code: mailedCode(boxes, person.email) };
}

describe('200', () => {
  it.each([
    ['by SMS when nothing is said', { secured: true }],
    ['by SMS', { secured: true, codeOrigin: 'sms', code: null }],
    ['by mail', byMail],
  ])('SECURITY 143: sends a code %s, and secures the session by it', async (_, body) => {
    const person = await latchkey.asUser();
    const number = await addPhone(latchkey, person);
    const sent = await post(person, body).expect(200);
    expect(sent.body.session).toMatchObject({
      secured: false,
      token: person.token.replaceAll('-', ''),
      user: { id: toLendixId(person.id) },
    });
    expect(sent.text).not.toMatch(/"code"/);
    const texts = boxes.sms.received().filter(({ to }) => to === number).length;
    // Not the notice that the number changed, which comes in its own time.
    const mailed = boxes.mail.received.filter(
      (mail) => mail.recipients.includes(person.email) && mail.body.includes('is your code'),
    ).length;
    expect([texts, mailed]).toEqual(body === byMail ? [0, 1] : [1, 0]);
    const code = body === byMail ? mailedCode(boxes, person.email) : textedCode(boxes, number);
    const secured = await post(person, { code, secured: null }).expect(200);
    expect(secured.body.session).toMatchObject({ secured: true, token: person.token.replaceAll('-', '') });
    expect(await isSecured(person)).toBe(true);
  });

  it('SECURITY 144: lasts an hour from the code, whatever is done meanwhile', async () => {
    const { person, code } = await awaiting();
    latchkey.clock.freeze();
    await post(person, { code }).expect(200);
    latchkey.clock.move(30 * MINUTE);
    expect(await isSecured(person)).toBe(true);
    latchkey.clock.move(30 * MINUTE - 1);
    expect(await isSecured(person)).toBe(true);
    latchkey.clock.move(1);
    expect(await isSecured(person)).toBe(false);
    latchkey.clock.release();
  });

  it('SECURITY 145: secures that session alone, whoever of the user’s sessions asked', async () => {
    const { person } = await awaiting();
    const other = await latchkey.signIn(person);
    latchkey.clock.move(30_000);
    await post(person, byMail, other.sessionId).expect(200);
    const code = mailedCode(boxes, person.email);
    const { body } = await post(person, { code }, other.sessionId).expect(200);
    expect(body.session).toMatchObject({ id: toLendixId(other.sessionId), secured: true, token: null });
    expect(await isSecured(person)).toBe(false);
    expect(await isSecured({ ...person, ...(await latchkey.signIn(person)) })).toBe(false);
  });

  it('secures by the code of a verification that was opened through the native API, too', async () => {
    const person = await latchkey.asUser();
    await startVerification(latchkey, person, { level: 'first_factor', strategy: 'email_code' }).expect(201);
    await post(person, { code: mailedCode(boxes, person.email) }).expect(200);
  });

  it('of ten callers with one code one secures the session', async () => {
    const { person, code } = await awaiting();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(person, { code }).then(({ status }) => status)),
    );
    expect(answers.filter((status) => status === 200)).toHaveLength(1);
    expect(answers.filter((status) => status !== 200 && status !== 400 && status !== 429)).toEqual([]);
  });
});

describe('400', () => {
  const invalid = 'This value is invalid.';
  it.each([
    ['neither', {}, { code: 'This field is required.' }],
    ['nothing at all', undefined, { code: 'This field is required.' }],
    ['nulls', { code: null, secured: null }, { code: 'This field is required.' }],
    ['both', { code: '000000', secured: true }, { secured: invalid }],
    ['secured: false', { secured: false }, { secured: invalid }],
    ['secured: "true"', { secured: 'true' }, { secured: invalid }],
    ['secured: 1', { secured: 1 }, { secured: invalid }],
    ['a blank code', { code: '' }, { code: 'This field is required.' }],
    ['a code that is a number', { code: 123456 }, { code: invalid }],
    ['a code that is a list', { code: ['000000'] }, { code: invalid }],
    ['another origin', { secured: true, codeOrigin: 'pigeon' }, { codeOrigin: invalid }],
    ['an origin of another type', { secured: true, codeOrigin: ['sms'] }, { codeOrigin: invalid }],
  ])('SECURITY 148: refuses %s, and sends nothing', async (_, body, errors) => {
    const person = await latchkey.asUser();
    const sent = boxes.mail.received.length + boxes.sms.tries.length;
    const answer = await post(person, body).expect(400);
    expect(answer.body).toEqual({ errors });
    expect(boxes.mail.received.length + boxes.sms.tries.length).toBe(sent);
    expect(await isSecured(person)).toBe(false);
  });

  const wrong = { errors: { code: 'This code is wrong.' } };
  const over = { errors: { code: 'This code is not valid any more: ask for a new one.' } };
  const notSent = { errors: { code: 'No code was sent: ask for one first.' } };

  it('SECURITY 147: refuses a code before one was sent', async () => {
    const person = await latchkey.asUser();
    expect((await post(person, { code: '000000' }).expect(400)).body).toEqual(notSent);
    await startVerification(latchkey, person, { level: 'first_factor' }).expect(201);
    expect((await post(person, { code: '000000' }).expect(400)).body).toEqual(notSent);
  });

  it('SECURITY 143: refuses a wrong code and takes the right one after it, once', async () => {
    const { person, code } = await awaiting();
    expect((await post(person, { code: otherThan(code) }).expect(400)).body).toEqual(wrong);
    expect((await post(person, { code: `${code} ` }).expect(400)).body).toEqual(wrong);
    await post(person, { code }).expect(200);
    expect((await post(person, { code }).expect(400)).body).toEqual(over);
  });

  it('SECURITY 38, 143: refuses the code of another session, and of another user', async () => {
    const { person, code } = await awaiting();
    const other = await awaiting();
    const second = { ...person, ...(await latchkey.signIn(person)) };
    latchkey.clock.move(30_000);
    await post(second, byMail).expect(200);
    const own = mailedCode(boxes, person.email);
    for (const foreign of [code, other.code].filter((one) => one !== own)) {
      expect((await post(second, { code: foreign }).expect(400)).body).toEqual(wrong);
    }
    expect(await isSecured(second)).toBe(false);
  });

  it('SECURITY 143: refuses a code that has expired, or that another one replaced', async () => {
    const { person, code } = await awaiting();
    latchkey.clock.move(30_000);
    await post(person, byMail).expect(200);
    const next = mailedCode(boxes, person.email);
    if (next !== code) await post(person, { code }).expect(400);
    latchkey.clock.move(10 * MINUTE);
    expect((await post(person, { code: next }).expect(400)).body).toEqual(over);
    expect(await isSecured(person)).toBe(false);
  });

  it('SECURITY 143: refuses even the right code after five wrong ones', async () => {
    const { person, code } = await awaiting();
    for (let tries = 0; tries < 5; tries++) await post(person, { code: otherThan(code) }).expect(400);
    expect((await post(person, { code }).expect(400)).body).toEqual(over);
    expect(await isSecured(person)).toBe(false);
  });

  it('sends no SMS to somebody without a number, and goes on waiting for the code sent before', async () => {
    const { person, code } = await awaiting();
    const { body } = await post(person, { secured: true }).expect(400);
    expect(body).toEqual({ errors: { codeOrigin: 'Codes cannot be sent to you this way.' } });
    await post(person, { code }).expect(200);
  });

  it('takes no code of an app in an activated session: Lendix sends codes', async () => {
    const careful = await asCareful(latchkey);
    const code = latchkey.codeNow(careful.secret);
    expect((await post(careful, { code }).expect(400)).body).toEqual(notSent);
    await post(careful, byMail).expect(200);
    expect((await post(careful, { code }).expect(400)).body).toEqual(wrong);
  });
});

describe('403', () => {
  it('a read-only session and a JWT secure nothing, and no machine session is secured', async () => {
    const person = await latchkey.asUser();
    const token = await mintMachine(latchkey, person.token, true);
    const jwt = await mintJwt(latchkey, person.token);
    for (const weak of [token, jwt]) {
      const { body } = await post({ ...person, token: weak }, byMail).expect(403);
      expect(body).toEqual({ error: 'This session may read only.' });
    }
    const machine = await mintMachine(latchkey, person.token, false);
    const { body } = await latchkey.get('/api/v2/sessions/current', machine).expect(200);
    const refused = await post({ ...person, token: machine }, byMail, body.data.id).expect(403);
    expect(refused.body).toEqual({ error: 'A session that someone signed in to is needed.' });
  });
});

describe('404', () => {
  it('a session of nobody, of somebody else, and one that has ended are not there', async () => {
    const person = await latchkey.asAdmin();
    const other = await latchkey.asUser();
    const ended = await latchkey.signIn(person);
    await latchkey.delete(`/api/v2/sessions/${ended.sessionId}`, ended.token).expect(204);
    for (const sessionId of ['987654321', other.sessionId, ended.sessionId]) {
      for (const body of [byMail, { code: '000000' }]) {
        const answer = await post(person, body, sessionId).expect(404);
        expect(answer.body).toEqual({ error: 'There is no such session.' });
      }
    }
    expect(boxes.mail.received.some(({ recipients }) => recipients.includes(other.email))).toBe(false);
  });
});

describe('429', () => {
  it('SECURITY 143: sends one code in 30 seconds; the one that was sent stays good', async () => {
    const { person, code } = await awaiting();
    const { body, headers } = await post(person, byMail).expect(429);
    expect(body).toEqual({ error: 'A code was sent already: try again later.' });
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(30);
    await post(person, { code }).expect(200);
  });

  it('SECURITY 32: refuses every code after ten wrong ones of an account, whatever is asked for meanwhile', async () => {
    const { person, code } = await awaiting();
    for (let tries = 0; tries < 5; tries++) await post(person, { code: otherThan(code) }).expect(400);
    latchkey.clock.move(30_000);
    await post(person, byMail).expect(200);
    const next = mailedCode(boxes, person.email);
    for (let tries = 0; tries < 4; tries++) await post(person, { code: otherThan(next) }).expect(400);
    latchkey.clock.move(30_000);
    await post(person, byMail).expect(200);
    const last = mailedCode(boxes, person.email);
    await post(person, { code: otherThan(last) }).expect(400);
    const { body } = await post(person, { code: last }).expect(429);
    expect(body).toEqual({ error: 'Too many wrong codes: try again later.' });
  });
});

describe('503', () => {
  it('says so when there is no way to send a code, and opens nothing', async () => {
    const mute = await Latchkey.start({ CONSOLE_CODES: 'false' }, latchkey);
    try {
      const person = await latchkey.asUser();
      const seat = { userId: person.id, token: person.token };
      const path = `/sessions/${toLendixId(person.sessionId)}`;
      const { body, headers } = await lendix(mute, 'post', path, seat, byMail).expect(503);
      expect(body).toEqual({ error: 'Codes cannot be sent this way at this moment.' });
      expect(headers['retry-after']).toBe('60');
      const rows = await latchkey.sql('SELECT id FROM verifications WHERE session_id = $1', [
        person.sessionId,
      ]);
      expect(rows).toEqual([]);
    } finally {
      await mute.stop();
    }
  });
});
