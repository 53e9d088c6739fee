import type { OnModuleDestroy } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import { setTimeout as sleep } from 'node:timers/promises';

/** A security notice to one user, in plain text. */
interface Notice {
  readonly to: string;
  readonly subject: string;
  /** What happened; what to do about it is added. */
  readonly text: string;
}

/** How every notice ends. */
const IF_IT_WAS_NOT_YOU = 'If that was not you, tell your administrator at once.';

/** Where failed deliveries are told of; never whom they were for or what they said. */
interface Log {
  warn(fields: object, message: string): void;
}

const MOST_WAITING = 1_000;
const DEFAULT_PAUSES_SECONDS = [1, 5, 25];
const FLUSH_SECONDS = 3;

/**
 * Sends security notices by mail, one after the other behind the requests that caused them: a mail server that is
 * slow or away fails no request. What still waits when the process ends is tried for three seconds more.
 */
export class Notices implements OnModuleDestroy {
  private readonly transport: Transporter | null;
  private readonly waiting: Notice[] = [];
  private readonly stop = new AbortController();
  private sending: Promise<void> | null = null;

  /**
   * @param smtpUrl without one nothing is sent
   * @param from the sender, `Name <address>`
   * @param pausesSeconds how long to wait before each further try
   */
  constructor(
    smtpUrl: string | undefined,
    private readonly from: string,
    private readonly log: Log,
    private readonly pausesSeconds: readonly number[] = DEFAULT_PAUSES_SECONDS,
  ) {
    this.transport = smtpUrl === undefined ? null : transportTo(smtpUrl);
  }

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

  private async sendWaiting(transport: Transporter): Promise<void> {
    for (let notice = this.waiting[0]; notice !== undefined; notice = this.waiting[0]) {
      await this.deliver(transport, notice);
      this.waiting.shift();
    }
    this.sending = null;
  }

  private async deliver(transport: Transporter, notice: Notice): Promise<void> {
    for (const pauseSeconds of [...this.pausesSeconds, null]) {
      try {
        await transport.sendMail(toMail(notice, this.from));
        return;
      } catch (error) {
        const { code, responseCode } = error as { code?: string; responseCode?: number };
        const again = pauseSeconds !== null;
        this.log.warn(
          { code, responseCode },
          again ? 'notice not sent, will be tried again' : 'notice not sent',
        );
        if (!again) return;
        await sleep(pauseSeconds * 1000, undefined, { signal: this.stop.signal, ref: false }).catch(
          () => undefined,
        );
      }
    }
  }
}

function transportTo(smtpUrl: string): Transporter {
  return createTransport({
    url: smtpUrl,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** The address goes in as an object and every header as one line, so that neither can add a recipient or a header. */
function toMail({ to, subject, text }: Notice, from: string) {
  const recipient = { name: '', address: oneLine(to) };
  return { from, to: recipient, subject: oneLine(subject), text: `${text} ${IF_IT_WAS_NOT_YOU}` };
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}
