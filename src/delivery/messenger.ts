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

/** Hands over codes that somebody is waiting for. */
export abstract class Messenger {
  /** Whether there is a way to send by this channel: a server for it, or the console in development. */
  abstract carries(channel: Channel): boolean;

  /**
   * Hands the message over. Returns once the other side took it, or after two seconds at most: then it goes on
   * trying behind, and the message is not lost.
   * @throws Refusal channel_unavailable when there is no way to send by this channel
   */
  abstract send(message: Message): Promise<void>;
}
