import type { Test } from 'supertest';
import { document, type Latchkey, type SignedInPerson } from './latchkey.js';
import { startMailServer, type MailServer } from './mail-server.js';
import { startSmsServer, type SmsServer } from './sms-server.js';

/** What codes are sent to; each reader waits for nothing: the service answers once the other side took the message. */
export interface Mailboxes {
  readonly mail: MailServer;
  readonly sms: SmsServer;
  /** For `Latchkey.start`. */
  readonly settings: Record<string, string>;
  stop(): Promise<void>;
}

/** Starts a mail server and a taker of SMS on the loopback. */
export async function startMailboxes(): Promise<Mailboxes> {
  const [mail, sms] = await Promise.all([startMailServer(), startSmsServer()]);
  return {
    mail,
    sms,
    settings: { SMTP_URL: mail.url, SMS_WEBHOOK_URL: sms.url },
    async stop() {
      await mail.stop();
      await sms.stop();
    },
  };
}

/** The code that was mailed to an address last. */
export function mailedCode({ mail }: Mailboxes, address: string): string {
  const mails = mail.received.filter(
    ({ recipients, body }) => recipients.includes(address) && SIX.test(body),
  );
  return SIX.exec(mails.at(-1)!.body)![0];
}

/** The code that was texted to a number last. */
export function textedCode({ sms }: Mailboxes, number: string): string {
  const texts = sms.received().filter(({ to }) => to === number);
  return SIX.exec(texts.at(-1)!.text)![0];
}

const SIX = /\b[0-9]{6}\b/;

/** A code of six digits that is not this one. */
export function otherThan(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0');
}

let numbers = 0;

/** Gives someone a telephone number, over HTTP. @returns it */
export async function addPhone(latchkey: Latchkey, person: SignedInPerson): Promise<string> {
  const number = `+43660${String(1_000_000 + ++numbers)}`;
  const attributes = { phone_number: number, current_password: person.password };
  const body = document('users', attributes, { id: person.id });
  await latchkey.patch(`/api/v2/users/${person.id}`, person.token, body).expect(200);
  return number;
}

/** `POST /sessions/:id/verifications`, of the person's own session unless another is named. */
export function startVerification(
  latchkey: Latchkey,
  { sessionId, token }: { sessionId: string; token: string | null },
  attributes: object,
): Test {
  const path = `/api/v2/sessions/${sessionId}/verifications`;
  return latchkey.post(path, token, document('verifications', attributes));
}

/** `POST /verifications/:id/codes`. */
export function askForCode(latchkey: Latchkey, token: string | null, id: string, strategy: unknown): Test {
  return latchkey.post(`/api/v2/verifications/${id}/codes`, token, document('verifications', { strategy }));
}

/** `POST /verifications/:id/attempts`. */
export function attempt(latchkey: Latchkey, token: string | null, id: string, attributes: object): Test {
  return latchkey.post(`/api/v2/verifications/${id}/attempts`, token, document('verifications', attributes));
}
