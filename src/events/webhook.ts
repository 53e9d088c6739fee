import { createHmac } from 'node:crypto';
import { targetOf } from '../delivery/target.js';
import { writeValue } from '../json-api/write-value.js';
import type { RecordedEvent } from './event.entity.js';
import { eventResource } from './event.resource.js';

/** What the webhook made of an event: took it, may take it later, or wants no more of it. */
export type Verdict = 'taken' | 'later' | 'never';

/** A receiver that says so has been taken away for good (Standard Webhooks, "Delivery"). */
const GONE = 410;

/** Posts events to WEBHOOK_URL, signed as Standard Webhooks has it (https://www.standardwebhooks.com). */
export class Webhook {
  private readonly href: string;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly key: Buffer;

  /**
   * @param url with a user and a password, if the receiver asks for any
   * @param secret `whsec_` and the key in base64
   */
  constructor(url: string, secret: string) {
    const { href, authorization } = targetOf(url);
    this.href = href;
    this.headers = { 'Content-Type': 'application/json', ...(authorization ? { authorization } : {}) };
    this.key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  }

  /**
   * Posts an event once. Redirects are refused: what is told goes where the administrator said, and nowhere else.
   * @param seconds since 1970, which the receiver holds against its own clock
   * @throws Error when there is no answer, or not in time
   */
  async post(event: RecordedEvent, seconds: number, signal: AbortSignal): Promise<Verdict> {
    const id = `evt_${event.id}`;
    const body = bodyOf(event);
    const headers = {
      ...this.headers,
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${this.sign(`${id}.${seconds}.${body}`)}`,
    };
    const answer = await fetch(this.href, { method: 'POST', headers, body, redirect: 'manual', signal });
    await answer.body?.cancel();
    if (answer.ok) return 'taken';
    return answer.status === GONE ? 'never' : 'later';
  }

  private sign(text: string): string {
    return createHmac('sha256', this.key).update(text).digest('base64');
  }
}

/** The action as `type`, when it happened, and all that `GET /api/v2/events/:id` shows of it. */
function bodyOf(event: RecordedEvent): string {
  const data = [
    `"id":${writeValue(event.id)}`,
    ...Object.entries(eventResource.attributes).map(
      ([name, attribute]) => `"${name}":${writeValue(attribute.read(event))}`,
    ),
  ];
  const [type, timestamp] = [writeValue(event.action), writeValue(event.createdAt)];
  return `{"type":${type},"timestamp":${timestamp},"data":{${data.join(',')}}}`;
}
