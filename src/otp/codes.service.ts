import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../clock.js';
import { Config } from '../config.js';
import type { Note } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { Messenger, type Channel } from '../delivery/messenger.js';
import { Refusal } from '../refusal.js';
import { CodeHasher, mintCode } from '../secrets.js';
import { e164 } from '../users/phone-number.js';
import type { User } from '../users/user.entity.js';
import { MAX_SENDINGS_AN_HOUR, SentCodesStore, type Target } from './sent-codes.store.js';

const CODE_MINUTES = 10;
const PAUSE_SECONDS = 30;
const HOUR_SECONDS = 3_600;

/** How a code is sent. */
export interface Sending {
  readonly channel: Channel;
  /** False for a code that whoever asks hands over themselves. */
  readonly deliver?: boolean;
  /** The address that it is asked for from. */
  readonly ip?: string;
  /** The session that it is asked for with. */
  readonly actorSessionId?: string;
}

/** A code that was sent. */
export interface Sent {
  /** The code itself, only when it was not delivered. */
  readonly code?: string;
  readonly sentAt: Date;
  readonly expiresAt: Date;
}

/** A code on its way. */
interface Letter extends Sending {
  readonly user: User;
  readonly to: string;
  readonly code: string;
  readonly sentAt: Date;
  readonly expiresAt: Date;
}

/** A code that may be sent. */
export interface Noted {
  readonly channel: Channel;
  /**
   * Writes it, within the transaction, before any session is locked that it may be spent in.
   * @throws Refusal too_many_codes
   */
  write(purpose: string): Promise<void>;
  /** Sends it, or hands it over. */
  send(): Promise<Sent>;
}

/** A code that fits, ready to be spent within a transaction: true for exactly one caller. */
export type Claim = (manager: EntityManager) => Promise<boolean>;

/** Codes of six digits, sent by SMS or mail, each good for one purpose, once, for ten minutes. */
@Injectable()
export class CodesService {
  constructor(
    private readonly store: SentCodesStore,
    private readonly messenger: Messenger,
    private readonly hasher: CodeHasher,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Sends a code for a purpose, in the place of the one sent before for it by this channel. The code is written
   * before it leaves: however slow the delivery is, it is not lost.
   * @param purpose what it proves and nothing else, e.g. `verification 17`
   * @throws Refusal strategy_unavailable for a user without a telephone number that SMS can go to;
   *   channel_unavailable; too_many_codes_sent within 30 seconds of the last one by this channel, and past ten within
   *   an hour; too_many_codes when the tries for this purpose are used up
   */
  async send(user: User, { purpose, ...sending }: Sending & { purpose: string }): Promise<Sent> {
    const { sent } = await this.sendFor(user, sending, () => Promise.resolve({ purpose, result: null }));
    return sent;
  }

  /**
   * As `send`, for a purpose that comes to be in the same transaction: when the code may not be sent, it does not.
   * @param begin names the purpose; it may lock the rows of sessions and verifications, but no sent code
   * @throws Refusal as `send`; whatever `begin` throws
   */
  async sendFor<T>(
    user: User,
    sending: Sending,
    begin: (manager: EntityManager) => Promise<{ purpose: string; result: T }>,
  ): Promise<{ sent: Sent; result: T }> {
    const letter = this.draft(user, sending);
    const result = await this.audit.accounted(async (manager, note) => {
      await this.noteSending(manager, user.id, letter.channel, letter.sentAt);
      const begun = await begin(manager);
      await this.put(manager, letter, begun.purpose, note);
      return begun.result;
    });
    return { sent: await this.handOver(letter), result };
  }

  /**
   * As `send`, within a transaction that is about more than the code and that has locked no user and no session yet:
   * notes that it is sent, so that it may be written, and once the transaction is committed be sent.
   * @param note of the transaction
   * @throws Refusal as `send`
   */
  async note(manager: EntityManager, user: User, sending: Sending, note: Note): Promise<Noted> {
    const letter = this.draft(user, sending);
    await this.noteSending(manager, user.id, letter.channel, letter.sentAt);
    return {
      channel: letter.channel,
      write: (purpose) => this.put(manager, letter, purpose, note),
      send: () => this.handOver(letter),
    };
  }

  /** Whether a code was sent for this that has not expired. */
  async isWaitedFor(target: Target): Promise<boolean> {
    return (await this.store.find(target, this.clock.now())) !== null;
  }

  /**
   * Holds a text against the code that was sent to a user for a purpose, once the try is counted. A code that was
   * sent before a change of the user's credentials fits no more.
   * @returns what spends it; null when it does not fit, or five tries were wrong
   */
  async find(user: User, target: Omit<Target, 'userId'>, code: string): Promise<Claim | null> {
    const now = this.clock.now();
    const sent = await this.store.countAttempt({ ...target, userId: user.id }, now);
    if (sent === null || sent.credentialsVersion !== user.credentialsVersion) return null;
    if (!this.hasher.fits(code, boundTo(sent), sent.codeHash)) return null;
    return (manager) => this.store.spend(manager, sent, this.clock.now());
  }

  /** Removes some of the codes that had expired by then; for the removal of what is old. @returns how many */
  async removeExpired(manager: EntityManager, now: Date): Promise<number> {
    return this.store.purge(now, manager);
  }

  private draft(user: User, { deliver = true, ...sending }: Sending): Letter {
    const { channel } = sending;
    const to = addressOf(user, channel);
    if (to === null) throw new Refusal('strategy_unavailable');
    if (deliver && !this.messenger.carries(channel)) throw new Refusal('channel_unavailable');
    const sentAt = this.clock.now();
    const expiresAt = new Date(sentAt.getTime() + CODE_MINUTES * 60_000);
    return { ...sending, user, deliver, to, code: mintCode(), sentAt, expiresAt };
  }

  private async put(
    manager: EntityManager,
    { user, channel, code, sentAt, expiresAt, ip, actorSessionId }: Letter,
    purpose: string,
    note: Note,
  ): Promise<void> {
    const target = { userId: user.id, purpose, channel };
    const { credentialsVersion } = user;
    const codeHash = this.hasher.hash(code, boundTo(target));
    const row = { ...target, credentialsVersion, codeHash, sentAt, expiresAt };
    if (!(await this.store.put(manager, row, sentAt))) throw new Refusal('too_many_codes');
    note({ action: 'code.send', userId: user.id, actorSessionId, ip, outcome: 'ok' });
  }

  private async handOver({ channel, deliver, to, code, sentAt, expiresAt }: Letter): Promise<Sent> {
    await this.store.purge(sentAt).catch(() => undefined); // it is sent all the same; the next one deletes the rest
    if (!deliver) return { code, sentAt, expiresAt };
    await this.messenger.send({ channel, to, ...this.wording(code) });
    return { sentAt, expiresAt };
  }

  private async noteSending(
    manager: EntityManager,
    userId: string,
    channel: Channel,
    now: Date,
  ): Promise<void> {
    const notSince = new Date(now.getTime() - PAUSE_SECONDS * 1000);
    const hourAgo = new Date(now.getTime() - HOUR_SECONDS * 1000);
    if (await this.store.noteSending(manager, userId, channel, { now, notSince, hourAgo })) return;
    const sendings = await this.store.sendingsSince(manager, userId, channel, hourAgo);
    const [last, tenth] = [sendings[0], sendings[MAX_SENDINGS_AN_HOUR - 1]];
    const waits = [
      last === undefined ? 0 : last.getTime() - notSince.getTime(),
      tenth === undefined ? 0 : tenth.getTime() - hourAgo.getTime(),
    ];
    const retryAfterSeconds = Math.max(1, Math.ceil(Math.max(...waits) / 1000));
    throw new Refusal('too_many_codes_sent', { retryAfterSeconds });
  }

  private wording(code: string): { subject: string; text: string } {
    const issuer = this.config.get('OTP_ISSUER');
    return {
      subject: `Your code for ${issuer}`,
      text: `${code} is your code for ${issuer}. It is good for ${CODE_MINUTES} minutes. Tell it to nobody.`,
    };
  }
}

/** Whether a user can be sent codes by SMS. */
export function hasPhone(user: Pick<User, 'phoneNumber'>): boolean {
  return e164(user.phoneNumber) !== null;
}

function addressOf(user: User, channel: Channel): string | null {
  return channel === 'email' ? user.email : e164(user.phoneNumber);
}

function boundTo({ userId, purpose, channel }: Target): string {
  return `${userId}\0${purpose}\0${channel}`;
}
