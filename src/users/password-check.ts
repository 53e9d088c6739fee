import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { networkOf } from '../http/client-address.js';
import { Refusal } from '../refusal.js';
import { Passwords } from '../secrets.js';
import { Attempts, type Limit } from './attempts.js';
import { emailKey } from './email.js';
import type { User } from './user.entity.js';
import { UsersStore } from './users.store.js';

/** Whether someone knows a user's password; every wrong guess is counted. */
@Injectable()
export class PasswordCheck {
  constructor(
    private readonly store: UsersStore,
    private readonly passwords: Passwords,
    private readonly attempts: Attempts,
  ) {}

  /**
   * The active user whose address and password these are, or null. Takes the same time and the same statements
   * for an unknown address, a wrong password, a closed user, and a password that no hash can hold.
   * @throws Refusal user_closed for a closed user's right password; too_many_sign_ins past a limit of DECISIONS.md,
   *   All APIs 8; busy when the hashing line is full
   */
  async verify(email: string, password: string, ip: string): Promise<User | null> {
    const key = emailKey(email);
    // As typed, what is no address could spell the name of another counter: `from 192.0.2.1`.
    const counted = key ?? createHash('sha256').update(email).digest('hex');
    return this.check(counted, password, ip, () => this.store.findByEmailKey(key ?? ''));
  }

  /**
   * The user with this id, if the password is theirs: for callers who prove themselves once more.
   * @throws Refusal user_closed, too_many_sign_ins, busy, as `verify`
   */
  async reprove(id: string, password: string, ip: string): Promise<User | null> {
    const user = await this.store.find(id);
    return this.check(user?.emailKey ?? '', password, ip, () => Promise.resolve(user));
  }

  private async check(
    key: string,
    password: string,
    ip: string,
    load: () => Promise<User | null>,
  ): Promise<User | null> {
    return this.attempts.guard(signInLimits(key, networkOf(ip)), 'too_many_sign_ins', async () => {
      const user = await load();
      const hash = user?.passwordHash ?? null;
      const fits = await this.passwords.check(password, hash);
      if (user === null || hash === null || !fits) return null;
      if (user.status !== 'active') throw new Refusal('user_closed');
      if (this.passwords.isOutdated(hash))
        await this.store.rehash(user.id, hash, await this.passwords.hash(password));
      return user;
    });
  }
}

/** How often one account may be tried, from wherever. @param key of its address, see `emailKey`; no text as typed */
export function accountLimit(key: string): Limit {
  return { key: `sign-in ${key}`, most: 100, clearedBySuccess: false };
}

function signInLimits(key: string, from: string): Limit[] {
  return [
    { key: `sign-in from ${from}`, most: 100, clearedBySuccess: false },
    accountLimit(key),
    { key: `sign-in ${key} from ${from}`, most: 10, clearedBySuccess: true },
  ];
}
