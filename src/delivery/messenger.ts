import type { OnModuleDestroy } from '@nestjs/common';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bulkhead } from '../bulkhead.js';
import type { Config } from '../config.js';
import { Refusal } from '../refusal.js';
import { deliver, PAUSES_SECONDS, type DeliveryLog } from './retries.js';
import { smsWebhook, twilio } from './sms.js';
import { oneLine, plainMail, smtpTransport } from './smtp.js';

/** How a code reaches someone. */
export type Channel = 'sms' | 'email';

/** One message to one person, in plain text. */
export interface Message {
  readonly channel: Channel;
  /** An e-mail address, or a telephone number in E.164 form. */
  readonly to: string;
  /** Left out of an SMS. */
  readonly subject: string;
  readonly text: string;
}

/** A way for messages to leave. */
export interface Way {
  readonly name: 'smtp' | 'webhook' | 'twilio' | 'console' | 'outbox';
  /** Makes ready what one message needs; each call of the result is one try to hand it over. */
  readonly prepare: (message: Message) => () => Promise<unknown>;
}

export type Ways = Readonly<Record<Channel, Way | null>>;

interface Timing {
  /** How long to wait before each further try. */
  readonly pausesSeconds: readonly number[];
  /** How long a caller waits at most for the other side to take the message. */
  readonly waitSeconds: number;
}

const MOST_UNDER_WAY = 1_000;
const TRIES_AT_ONCE = 8;
const FLUSH_SECONDS = 3;
const RETRY_AFTER_SECONDS = 60;

/** Hands over codes that somebody is waiting for. */
export class Messenger implements OnModuleDestroy {
  private readonly underWay = new Set<Promise<void>>();
  private readonly stop = new AbortController();
  private readonly bulkheads: Readonly<Record<Channel, Bulkhead>> = {
    sms: new Bulkhead(TRIES_AT_ONCE, MOST_UNDER_WAY),
    email: new Bulkhead(TRIES_AT_ONCE, MOST_UNDER_WAY),
  };

  constructor(
    private readonly ways: Ways,
    private readonly log: DeliveryLog,
    private readonly timing: Timing = { pausesSeconds: PAUSES_SECONDS, waitSeconds: 2 },
  ) {
    setMaxListeners(MOST_UNDER_WAY, this.stop.signal); // every message that waits for its next try is one
  }

  /** Whether there is a way to send by this channel: a server for it, or the console in development. */
  carries(channel: Channel): boolean {
    return this.ways[channel] !== null;
  }

  /** What messages of this channel leave through; null when it carries none. */
  wayOf(channel: Channel): Way['name'] | null {
    return this.ways[channel]?.name ?? null;
  }

  /**
   * Hands the message over. Returns once the other side took it, or after two seconds at most: then it goes on
   * trying behind, and the message is not lost.
   * @throws Refusal channel_unavailable when there is no way to send by this channel, or a thousand messages are
   *   under way already
   */
  async send(message: Message): Promise<void> {
    const way = this.ways[message.channel];
    if (way === null) throw new Refusal('channel_unavailable');
    if (this.underWay.size >= MOST_UNDER_WAY) {
      throw new Refusal('channel_unavailable', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    const handingOver = this.handOver(way, message);
    this.underWay.add(handingOver);
    void handingOver.then(() => this.underWay.delete(handingOver));
    await Promise.race([handingOver, sleep(this.timing.waitSeconds * 1000, undefined, { ref: false })]);
  }

  /** Tries what is still under way for a few seconds, without pauses. */
  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    const flushed = Promise.all(this.underWay);
    await Promise.race([flushed, sleep(FLUSH_SECONDS * 1000, undefined, { ref: false })]);
    if (this.underWay.size > 0) this.log.warn({ codes: this.underWay.size }, 'codes not sent');
  }

  private handOver(way: Way, message: Message): Promise<void> {
    const tryOnce = way.prepare(message);
    return deliver(() => this.bulkheads[message.channel].run(tryOnce), {
      what: `code by ${message.channel}`,
      pausesSeconds: this.timing.pausesSeconds,
      stop: this.stop.signal,
      log: this.log,
    });
  }
}

/**
 * The ways that the configuration knows: mail through SMTP_URL, SMS through SMS_WEBHOOK_URL or Twilio; for a channel
 * that has none the console, where CONSOLE_CODES allows that.
 * @param print takes a line for the console
 */
export function waysOf(
  config: Config,
  print: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): Ways {
  const console = config.get('CONSOLE_CODES') ? consoleWay(print) : null;
  return { sms: smsWay(config) ?? console, email: mailWay(config) ?? console };
}

function smsWay(config: Config): Way | null {
  const {
    SMS_WEBHOOK_URL,
    TWILIO_ACCOUNT_SID: sid,
    TWILIO_AUTH_TOKEN: token,
    TWILIO_FROM: from,
  } = config.values;
  if (SMS_WEBHOOK_URL !== undefined) return { name: 'webhook', prepare: smsWebhook(SMS_WEBHOOK_URL) };
  if (sid === undefined || token === undefined || from === undefined) return null;
  return { name: 'twilio', prepare: twilio({ sid, token, from }) };
}

function mailWay(config: Config): Way | null {
  const { SMTP_URL, MAIL_FROM } = config.values;
  if (SMTP_URL === undefined) return null;
  const transport = smtpTransport(SMTP_URL);
  return { name: 'smtp', prepare: (message) => () => transport.sendMail(plainMail(MAIL_FROM, message)) };
}

function consoleWay(print: (line: string) => void): Way {
  return {
    name: 'console',
    prepare: ({ channel, to, text }) => {
      const line = oneLine(`${channel === 'sms' ? 'SMS' : 'Mail'} to ${to}: ${text}`);
      return () => Promise.resolve(print(line));
    },
  };
}
