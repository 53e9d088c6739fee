import type { SendMailOptions } from 'nodemailer';
import type { Clock } from '../clock.js';
import type { MailTransport } from '../delivery/mailer.js';
import type { Channel, Message, Way, Ways } from '../delivery/messenger.js';

/** What would have been sent. */
export interface OutboxMessage {
  /** Counts up from 1. */
  readonly id: number;
  readonly kind: 'code' | 'notice';
  readonly channel: Channel;
  readonly to: string;
  /** Null of an SMS. */
  readonly subject: string | null;
  readonly text: string;
  /** The six digits that the text holds; null in a notice. */
  readonly code: string | null;
  readonly sentAt: Date;
}

/** Which messages are asked for. */
export type OutboxFilter = Partial<Pick<OutboxMessage, 'kind' | 'channel' | 'to'>>;

const MOST_KEPT = 1_000;

/** In QA mode no message leaves: codes and security notices are kept here, the last thousand of them. */
export class Outbox {
  private kept: OutboxMessage[] = [];
  private count = 0;

  constructor(private readonly clock: Clock) {}

  /** The ways on which codes come here, whatever servers the configuration names. */
  readonly ways: Ways = { sms: this.way(), email: this.way() };

  /** The mail server on which notices come here. */
  readonly transport: MailTransport = {
    sendMail: (mail: SendMailOptions) => {
      const { address: to } = mail.to as { address: string };
      this.keep({
        kind: 'notice',
        channel: 'email',
        to,
        subject: mail.subject ?? '',
        text: mail.text as string,
      });
      return Promise.resolve();
    },
    close: () => undefined,
  };

  /** The messages that fit, the newest first. Addresses are compared without regard to case. */
  list({ kind, channel, to }: OutboxFilter): OutboxMessage[] {
    return this.kept.filter(
      (message) =>
        (kind === undefined || message.kind === kind) &&
        (channel === undefined || message.channel === channel) &&
        (to === undefined || message.to.toLowerCase() === to.toLowerCase()),
    );
  }

  /** Forgets every message. */
  empty(): void {
    this.kept = [];
  }

  private way(): Way {
    return {
      name: 'outbox',
      prepare: ({ channel, to, subject, text }: Message) => {
        const message = {
          kind: 'code' as const,
          channel,
          to,
          subject: channel === 'sms' ? null : subject,
          text,
        };
        return () => Promise.resolve(this.keep(message));
      },
    };
  }

  private keep(message: Omit<OutboxMessage, 'id' | 'code' | 'sentAt'>): void {
    const code = message.kind === 'code' ? (/\b\d{6}\b/.exec(message.text)?.[0] ?? null) : null;
    const kept = { id: ++this.count, ...message, code, sentAt: this.clock.now() };
    this.kept = [kept, ...this.kept.slice(0, MOST_KEPT - 1)];
  }
}
