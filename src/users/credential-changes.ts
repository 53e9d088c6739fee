import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { OPERATOR, type Caller } from '../caller.js';
import { Clock } from '../clock.js';
import { Refusal } from '../refusal.js';
import type { User } from './user.entity.js';
import { UsersStore } from './users.store.js';

/** What changed about a user's proofs, told inside the transaction that changes it. */
export interface CredentialChange {
  readonly userId: string;
  /** `browser`: machine sessions stay; `all`: nothing stays. */
  readonly ends: 'browser' | 'all';
  /** The session that makes the change, which has to be live still; null for the command line. */
  readonly bySessionId: string | null;
  /** True when that session is the user's own, and stays. */
  readonly keepsIt: boolean;
  /** True when it stays and has just proved the second factor. */
  readonly secondFactorProved: boolean;
}

type Listener = (manager: EntityManager, change: CredentialChange) => Promise<void>;
/** Keeps a session from ending until the transaction ends. @returns false when it is not live */
type Holder = (manager: EntityManager, sessionId: string) => Promise<boolean>;

/**
 * Changes of what a user proves themselves with, and how rooms that hold sessions learn, within the same transaction,
 * that they have to end some: rooms above listen. (Imports point downwards only, so they cannot be called.)
 */
@Injectable()
export class CredentialChanges {
  private readonly listeners: Listener[] = [];
  private readonly holders: Holder[] = [];

  constructor(
    private readonly store: UsersStore,
    private readonly clock: Clock,
  ) {}

  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** @param holder of sessions, for `hold` */
  holdBy(holder: Holder): void {
    this.holders.push(holder);
  }

  /**
   * Holds still, within a transaction, what an act of a caller rests on: who they are, and that their session is live.
   * @returns the caller's user at this very moment, to be judged once more
   * @throws Refusal unauthenticated when the session ended meanwhile
   */
  async hold(manager: EntityManager, caller: Caller): Promise<User> {
    const user = await this.store.lock(manager, caller.user.id);
    if (user === null) throw new Refusal('unauthenticated');
    for (const holder of this.holders) {
      if (!(await holder(manager, caller.session.id))) throw new Refusal('unauthenticated');
    }
    return user;
  }

  /**
   * Changes a user within a transaction that has locked them, and ends their sessions: of their own ones the caller's
   * stays, unless all end. What a listener throws undoes it.
   * @param secondFactorProved whether the caller's session has just proved the second factor
   * @throws Refusal unauthenticated when the caller's session ended meanwhile
   */
  async apply(
    manager: EntityManager,
    caller: Caller,
    user: User,
    changed: Partial<User>,
    ends: CredentialChange['ends'],
    secondFactorProved = false,
  ): Promise<User> {
    const credentialsVersion = user.credentialsVersion + 1;
    const updated = await this.store.update(manager, user, { ...changed, credentialsVersion });
    const keepsIt = caller.user.id === user.id && ends !== 'all';
    const bySessionId = caller === OPERATOR ? null : caller.session.id;
    const change = { userId: user.id, ends, bySessionId, keepsIt, secondFactorProved };
    for (const listener of this.listeners) await listener(manager, change);
    return updated;
  }

  /**
   * Notes within a transaction that a user's second factor came or went, and ends their other browser sessions.
   * @returns false when the credentials are not those any more that the caller proved
   * @throws Refusal not_found; unauthenticated as `apply`
   */
  async setTwoFactor(
    manager: EntityManager,
    caller: Caller,
    { id, credentialsVersion }: Pick<User, 'id' | 'credentialsVersion'>,
    twoFactorAuth: boolean,
  ): Promise<boolean> {
    const locked = await this.store.lock(manager, id);
    if (locked === null) throw new Refusal('not_found');
    if (locked.credentialsVersion !== credentialsVersion || locked.status !== 'active') return false;
    const changed = { twoFactorAuth, updatedAt: this.clock.now() };
    await this.apply(manager, caller, locked, changed, 'browser', twoFactorAuth);
    return true;
  }
}
