import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addSession } from '../support/fixture-session.js';
import { document, Latchkey, PASSWORD, type Credential, type SignedInPerson } from '../support/latchkey.js';
import { FORBIDDEN, NOT_FOUND, STEP_UP_REQUIRED } from '../support/refusals.js';
import { asCareful, validateOtp, type Careful } from '../support/second-factor.js';
import {
  addPhone,
  attempt,
  mailedCode,
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

const mint = (token: string) =>
  latchkey.post('/api/v2/sessions/machine', token, document('sessions', { name: 'ci' }));
const rename = (id: string, token: string, name = 'renamed') =>
  latchkey.patch(`/api/v2/sessions/${id}`, token, document('sessions', { name }, { id }));

async function minted(token: string): Promise<Credential> {
  const { body } = await mint(token).expect(201);
  return { sessionId: body.data.id, token: body.data.attributes.token };
}

/** Proves a factor in a session. */
async function prove(person: Credential, level: string, proof: object): Promise<void> {
  const { body } = await startVerification(latchkey, person, { level }).expect(201);
  await attempt(latchkey, person.token, body.data.id, proof).expect(200);
}

const byPassword = { strategy: 'password', password: PASSWORD };
const byCode = (careful: Careful) => ({ strategy: 'totp', code: latchkey.codeNow(careful.secret) });
const HOUR = 3_600_000;

/** Moves the clock to so long after a session was opened. */
async function sinceOpening({ sessionId }: Credential, milliseconds: number): Promise<void> {
  const [row] = await latchkey.sql<{ at: Date }>('SELECT created_at AS at FROM sessions WHERE id = $1', [
    sessionId,
  ]);
  latchkey.clock.move(row!.at.getTime() + milliseconds - latchkey.clock.milliseconds());
}

describe('minting and renaming machine tokens', () => {
  it('SECURITY 86, 144: asks for a proof within the hour: 59:59 is, 60:00 is not, and using it changes nothing', async () => {
    const person = await latchkey.asUser();
    latchkey.clock.freeze();
    await sinceOpening(person, HOUR - 1000);
    const machine = await minted(person.token);
    await rename(machine.sessionId, person.token, 'in time').expect(200);
    await sinceOpening(person, HOUR);
    await latchkey.get('/api/v2/sessions/current', person.token).expect(200);
    await mint(person.token).expect(403, STEP_UP_REQUIRED);
    await rename(machine.sessionId, person.token).expect(403, STEP_UP_REQUIRED);
    const read = await latchkey.get(`/api/v2/sessions/${machine.sessionId}`, person.token).expect(200);
    expect(read.body.data.attributes.name).toBe('in time');
    const count = await latchkey.sql('SELECT FROM sessions WHERE user_id = $1 AND machine', [person.id]);
    expect(count).toHaveLength(1);
    latchkey.clock.release();
  });

  it('SECURITY 86: is open again for an hour after a step-up, by password or by a mailed code', async () => {
    for (const strategy of ['password', 'email_code']) {
      const person = await latchkey.asUser();
      latchkey.clock.move(2 * HOUR);
      await mint(person.token).expect(403, STEP_UP_REQUIRED);
      if (strategy === 'password') await prove(person, 'first_factor', byPassword);
      else {
        const start = { level: 'first_factor', strategy };
        const { body } = await startVerification(latchkey, person, start).expect(201);
        const code = mailedCode(mailboxes, person.email);
        await attempt(latchkey, person.token, body.data.id, { strategy, code }).expect(200);
      }
      const machine = await minted(person.token);
      await rename(machine.sessionId, person.token).expect(200);
      latchkey.clock.move(HOUR);
      await mint(person.token).expect(403, STEP_UP_REQUIRED);
    }
  });

  it('SECURITY 86, 146: asks whoever has a second factor for that one, and no first one replaces it', async () => {
    const careful = await asCareful(latchkey);
    await addPhone(latchkey, careful);
    latchkey.clock.move(2 * HOUR);
    await prove(careful, 'first_factor', byPassword);
    await mint(careful.token).expect(403, STEP_UP_REQUIRED);
    latchkey.clock.move(60_000);
    const start = { level: 'first_factor', strategy: 'sms_code' };
    const { body } = await startVerification(latchkey, careful, start).expect(201);
    const [number] = await latchkey.sql<{ number: string }>(
      'SELECT phone_number AS number FROM users WHERE id = $1',
      [careful.id],
    );
    const code = textedCode(mailboxes, number!.number);
    await attempt(latchkey, careful.token, body.data.id, { strategy: 'sms_code', code }).expect(200);
    await mint(careful.token).expect(403, STEP_UP_REQUIRED);
    await prove(careful, 'second_factor', byCode(careful));
    await mint(careful.token).expect(201);
  });

  it('is open right after a sign-in with both factors', async () => {
    const careful = await asCareful(latchkey);
    const { sessionId } = await latchkey.signIn(careful);
    const otp = latchkey.codeNow(careful.secret);
    const { body } = await validateOtp(latchkey, sessionId, { otp }).expect(200);
    await mint(body.data.attributes.token).expect(201);
  });

  it('SECURITY 145: a step-up is of one session: no other one gains it, nor a JWT made before', async () => {
    const person = await latchkey.asUser();
    const other = await latchkey.signIn(person);
    const jwt = await latchkey.post('/api/v2/sessions/jwt?expires_in=3600', person.token).expect(201);
    latchkey.clock.move(HOUR);
    await prove(person, 'first_factor', byPassword);
    await mint(other.token).expect(403, STEP_UP_REQUIRED);
    const { body } = await mint(jwt.body.jwt);
    expect(['read_only_session', 'invalid_auth_token']).toContain(body.errors[0].code);
    await mint(person.token).expect(201);
    // A new one begins with the proof that opened it.
    await mint((await latchkey.signIn(person)).token).expect(201);
  });

  it('SECURITY 144: stays closed to a session that nobody proved anything in', async () => {
    const person = await latchkey.addUser();
    const { token } = await addSession(latchkey, person.id);
    await mint(token).expect(403, STEP_UP_REQUIRED);
  });

  it('SECURITY 73: a right without the proof, and the proof without the right, are both refused', async () => {
    const owner = await latchkey.asUser();
    const machine = await minted(owner.token);
    const admin = await latchkey.asUser({ rights: ['session.read', 'session.write'] });
    const reader = await latchkey.asUser({ rights: ['session.read'] });
    await rename(machine.sessionId, reader.token).expect(403, FORBIDDEN);
    latchkey.clock.move(HOUR);
    await rename(machine.sessionId, admin.token).expect(403, STEP_UP_REQUIRED);
    await rename(machine.sessionId, (await latchkey.asUser()).token).expect(404, NOT_FOUND);
    await prove(admin, 'first_factor', byPassword);
    await rename(machine.sessionId, admin.token).expect(200);
  });

  it('asks for nothing to annotate one, to name a browser session, or to end one', async () => {
    const person = await latchkey.asUser();
    const machine = await minted(person.token);
    latchkey.clock.move(HOUR);
    const note = document('sessions', { note: 'x' }, { id: machine.sessionId });
    await latchkey.patch(`/api/v2/sessions/${machine.sessionId}`, person.token, note).expect(200);
    await rename(person.sessionId, person.token).expect(200);
    await latchkey.delete(`/api/v2/sessions/${machine.sessionId}`, person.token).expect(204);
  });
});

describe('what a step-up leaves', () => {
  const shownOf = async ({ token }: Credential) => {
    const fields = 'fields[sessions]=secured_until,two_factor_auth';
    return (await latchkey.get(`/api/v2/sessions/current?${fields}`, token).expect(200)).body.data.attributes;
  };

  it('SECURITY 143, 144: secures a session for an hour from the last code, and by no password', async () => {
    const person: SignedInPerson = await latchkey.asUser();
    await prove(person, 'first_factor', byPassword);
    expect(await shownOf(person)).toEqual({ secured_until: null, two_factor_auth: false });
    latchkey.clock.freeze();
    const start = { level: 'first_factor', strategy: 'email_code' };
    const { body } = await startVerification(latchkey, person, start).expect(201);
    const code = mailedCode(mailboxes, person.email);
    await attempt(latchkey, person.token, body.data.id, { strategy: 'email_code', code }).expect(200);
    const until = new Date(latchkey.clock.milliseconds() + HOUR);
    latchkey.clock.move(120_000);
    const shown = await shownOf(person); // using it prolongs nothing
    expect(new Date(shown.secured_until)).toEqual(until);
    expect(shown.two_factor_auth).toBe(false);
    latchkey.clock.release();
  });

  it('says of a session that its second factor was proved, by SMS too', async () => {
    const person = await latchkey.asUser();
    const number = await addPhone(latchkey, person);
    const start = { level: 'second_factor', strategy: 'sms_code' };
    const { body } = await startVerification(latchkey, person, start).expect(201);
    const proof = { strategy: 'sms_code', code: textedCode(mailboxes, number) };
    await attempt(latchkey, person.token, body.data.id, proof).expect(200);
    expect((await shownOf(person)).two_factor_auth).toBe(true);
  });

  it('SECURITY 23, 38: an e-mail or SMS code opens no pending session', async () => {
    const careful = await asCareful(latchkey);
    const start = { level: 'first_factor', strategy: 'email_code' };
    await startVerification(latchkey, careful, start).expect(201);
    const pending = await latchkey.signIn(careful);
    await startVerification(latchkey, pending, { level: 'second_factor' }).expect(403);
    const otp = mailedCode(mailboxes, careful.email);
    await validateOtp(latchkey, pending.sessionId, { otp }).expect(422);
  });
});
