import type { OnModuleDestroy } from '@nestjs/common';
import type { SendMailOptions } from 'nodemailer';
import { setTimeout as sleep } from 'node:timers/promises';
import { deliver, PAUSES_SECONDS, type DeliveryLog } from './retries.js';
import { plainMail } from './smtp.js';

/** A security notice to one user, in plain text. */
interface Notice {
  readonly to: string;
  readonly subject: string;
  /** What happened; what to do about it is added. */
  readonly text: string;
}

/** What mail leaves by. */
export interface MailTransport {
  sendMail(mail: SendMailOptions): Promise<unknown>;
  close(): void;
}

/** How every notice ends. */
const IF_IT_WAS_NOT_YOU = 'If that was not you, tell your administrator at once.';

const MOST_WAITING = 1_000;
const FLUSH_SECONDS = 3;

/**
 * Sends security notices by mail, one after the other behind the requests that caused them: a mail server that is
 * slow or away fails no request. What still waits when the process ends is tried for three seconds more.
 */
export class Notices implements OnModuleDestroy {
  private readonly waiting: Notice[] = [];
  private readonly stop = new AbortController();
  private sending: Promise<void> | null = null;

  /**
   * @param transport without one nothing is sent
   * @param from the sender, `Name <address>`
   * @param pausesSeconds how long to wait before each further try
   */
  constructor(
    private readonly transport: MailTransport | null,
    private readonly from: string,
    private readonly log: DeliveryLog,
    private readonly pausesSeconds: readonly number[] = PAUSES_SECONDS,
  ) {}

  /** Puts the notice in line and returns at once; when too many wait already, it is dropped and the log says so. */
  send(notice: Notice): void {
    if (this.transport === null) return;
    if (this.waiting.length >= MOST_WAITING) return this.log.warn({}, 'notice dropped: too many wait');
    this.waiting.push(notice);
    this.sending ??= this.sendWaiting(this.transport);
  }

  /** Tries what still waits for a few seconds, without pauses, then hangs up. */
  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await Promise.race([this.sending, sleep(FLUSH_SECONDS * 1000, undefined, { ref: false })]);
    if (this.waiting.length > 0) this.log.warn({ notices: this.waiting.length }, 'notices not sent');
    this.transport?.close();
  }

  private async sendWaiting(transport: MailTransport): Promise<void> {
    const { pausesSeconds, log, from } = this;
    const terms = { what: 'notice', pausesSeconds, stop: this.stop.signal, log };
    for (let notice = this.waiting[0]; notice !== undefined; notice = this.waiting[0]) {
      const mail = plainMail(from, { ...notice, text: `${notice.text} ${IF_IT_WAS_NOT_YOU}` });
      await deliver(() => transport.sendMail(mail), terms);
      this.waiting.shift();
    }
    this.sending = null;
  }
}
