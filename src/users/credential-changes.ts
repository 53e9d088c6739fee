import type { EntityManager } from 'typeorm';

/** What changed about a user's proofs, told inside the transaction that changes it. */
export interface CredentialChange {
  readonly userId: string;
  /** `browser`: machine sessions stay; `all`: nothing stays. */
  readonly ends: 'browser' | 'all';
  /** The session that made the change, which stays; null when it was somebody else's. */
  readonly keepSessionId: string | null;
  /** True when that session has just proved the second factor. */
  readonly secondFactorProved: boolean;
}

type Listener = (manager: EntityManager, change: CredentialChange) => Promise<void>;

/**
 * How rooms that hold sessions learn, within the same transaction, that they have to end some: this room and
 * `otp/` announce, rooms above listen. (Imports point downwards only, so neither can call them.)
 */
export class CredentialChanges {
  private readonly listeners: Listener[] = [];

  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** Tells every listener in turn; what one throws undoes the change. */
  async announce(manager: EntityManager, change: CredentialChange): Promise<void> {
    for (const listener of this.listeners) await listener(manager, change);
  }
}
