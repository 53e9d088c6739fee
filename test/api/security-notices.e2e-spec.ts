import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { document, Latchkey, PASSWORD } from '../support/latchkey.js';
import {
  startMailServer,
  startSilentMailServer,
  type MailServer,
  type Received,
} from '../support/mail-server.js';
import { asCareful, validateOtp, type Careful } from '../support/second-factor.js';

let mailServer: MailServer;
let latchkey: Latchkey;

beforeAll(async () => {
  mailServer = await startMailServer();
  latchkey = await Latchkey.start({ SMTP_URL: mailServer.url });
});
afterAll(async () => {
  await latchkey.stop();
  await mailServer.stop();
});

/** The mail of this subject to someone, once it has come. */
async function mailTo(email: string, subject: string): Promise<Received> {
  for (;;) {
    const mail = mailServer.received.find(
      ({ recipients, headers }) => recipients.includes(email) && headers.includes(`Subject: ${subject}`),
    );
    if (mail) return mail;
    await sleep(5);
  }
}

interface Told {
  readonly subject: string;
  /** Does what the user is told of, and names the secrets that were part of it. */
  readonly act: (user: Careful) => Promise<string[]>;
}

const TOLD: [string, Told][] = [
  [
    'SECURITY 41: turning two-factor authentication on',
    { subject: 'Two-factor authentication was turned on', act: () => Promise.resolve([]) },
  ],
  [
    'SECURITY 41: turning two-factor authentication off',
    {
      subject: 'Two-factor authentication was turned off',
      act: async (user) => {
        const otp = latchkey.codeNow(user.secret);
        const proofs = document('otp_enrollments', { password: PASSWORD, otp });
        await latchkey.delete(`/api/v2/otp_enrollments/${user.enrollmentId}`, user.token, proofs).expect(204);
        return [otp];
      },
    },
  ],
  [
    'SECURITY 41: making new recovery codes',
    {
      subject: 'New recovery codes were made',
      act: async (user) => {
        const otp = latchkey.codeNow(user.secret);
        const proofs = document('otp_enrollments', { password: PASSWORD, otp });
        const path = `/api/v2/otp_enrollments/${user.enrollmentId}/recovery_codes`;
        const { body } = await latchkey.post(path, user.token, proofs).expect(200);
        return [otp, ...body.data.attributes.recovery_codes];
      },
    },
  ],
  [
    'SECURITY 45: using a recovery code',
    {
      subject: 'A recovery code was used',
      act: async (user) => {
        const { sessionId, token } = await latchkey.signIn(user);
        const response = await validateOtp(latchkey, sessionId, { otp: user.recoveryCodes[0] }).expect(200);
        return [token, response.body.data.attributes.token];
      },
    },
  ],
  [
    'SECURITY 86: minting a machine token',
    {
      subject: 'A machine token was created',
      act: async (user) => {
        const draft = document('sessions', { name: 'builds\r\nBcc: eve@example.com' });
        const { body } = await latchkey.post('/api/v2/sessions/machine', user.token, draft).expect(201);
        return [body.data.attributes.token];
      },
    },
  ],
];

it.each(TOLD)('%s is told to its owner, without any secret', async (_, { subject, act }) => {
  const user = await asCareful(latchkey);
  const secrets = [...(await act(user)), user.secret, user.token, user.password, ...user.recoveryCodes];
  const mail = await mailTo(user.email, subject);
  expect(mail.recipients).toEqual([user.email]);
  expect(mail.headers).not.toMatch(/^bcc:/im);
  for (const secret of secrets) expect(mail.headers + mail.body).not.toContain(secret);
});

it('SECURITY 45: the mail about a recovery code says how many are left', async () => {
  const user = await asCareful(latchkey);
  const { sessionId } = await latchkey.signIn(user);
  await validateOtp(latchkey, sessionId, { otp: user.recoveryCodes[0] }).expect(200);
  const { body } = await mailTo(user.email, 'A recovery code was used');
  expect(body).toContain('4 are left');
});

it('a wrong code is told to nobody', async () => {
  const user = await asCareful(latchkey);
  const { sessionId } = await latchkey.signIn(user);
  await mailTo(user.email, 'Two-factor authentication was turned on');
  const before = mailServer.received.length;
  await validateOtp(latchkey, sessionId, { otp: 'aaaaaaaa' }).expect(422);
  await latchkey.asUser();
  expect(mailServer.received).toHaveLength(before);
});

// Last in the file: passport keeps one strategy a process, so sign-ins go to the newest instance.
it('SECURITY 165: a mail server that never says a word holds up neither who is told nor a sign-in', async () => {
  const silent = await startSilentMailServer();
  const person = await latchkey.asUser();
  const waiting = await Latchkey.start({ SMTP_URL: silent.url }, latchkey);
  try {
    const draft = document('sessions', { name: 'builds' });
    await waiting.post('/api/v2/sessions/machine', person.token, draft).expect(201);
    while (silent.tries() === 0) await sleep(5);
    await waiting.post('/api/v2/sessions/machine', person.token, draft).expect(201);
    await waiting.signIn(person);
  } finally {
    await silent.stop();
    await waiting.stop();
  }
});
