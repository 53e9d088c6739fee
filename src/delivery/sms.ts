import { randomUUID } from 'node:crypto';
import { NeverTaken } from './retries.js';
import { basic, targetOf } from './target.js';

const TRY_SECONDS = 10;

/** A text to a telephone number in E.164 form. */
interface Sms {
  readonly to: string;
  readonly text: string;
}

/** How Twilio is to be called. */
export interface TwilioAccount {
  readonly sid: string;
  readonly token: string;
  /** A number of the account, or the id of a messaging service (`MG…`). */
  readonly from: string;
}

/**
 * A sender over SMS_WEBHOOK_URL: a POST of JSON `{to, text}`, which any 2xx takes. A user and a password in the URL
 * become Basic credentials. Tries of one message carry one `Idempotency-Key`.
 */
export function smsWebhook(url: string): (sms: Sms) => () => Promise<void> {
  const { href, authorization } = targetOf(url);
  return ({ to, text }) => {
    const headers = new Headers({ 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() });
    if (authorization !== undefined) headers.set('Authorization', authorization);
    return () => post(href, headers, JSON.stringify({ to, text }));
  };
}

/**
 * A sender over Twilio's REST API: `POST /2010-04-01/Accounts/{sid}/Messages.json`.
 * @param base where that API is
 */
export function twilio(
  { sid, token, from }: TwilioAccount,
  base = 'https://api.twilio.com',
): (sms: Sms) => () => Promise<void> {
  const url = `${base}/2010-04-01/Accounts/${encodeURIComponent(sid)}/Messages.json`;
  const headers = new Headers({
    'Content-Type': 'application/x-www-form-urlencoded',
    Authorization: basic(sid, token),
  });
  const sender = from.startsWith('MG') ? 'MessagingServiceSid' : 'From';
  return ({ to, text }) => {
    const form = new URLSearchParams({ To: to, [sender]: from, Body: text }).toString();
    return () => post(url, headers, form);
  };
}

/** Redirects are refused: a code goes where the administrator said, and nowhere else. */
async function post(url: string, headers: Headers, body: string): Promise<void> {
  const signal = AbortSignal.timeout(TRY_SECONDS * 1000);
  const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
  await answer.body?.cancel();
  if (answer.ok) return;
  const { status: responseCode } = answer;
  if (responseCode < 500 && responseCode !== 408 && responseCode !== 429) throw new NeverTaken(responseCode);
  throw Object.assign(new Error(`answered ${responseCode}`), { responseCode });
}
