import { Injectable } from '@nestjs/common';
import { OPERATOR } from '../caller.js';
import { Clock } from '../clock.js';
import { done } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { Refusal } from '../refusal.js';
import { mintPassword, Passwords } from '../secrets.js';
import { emailKey } from './email.js';
import { passwordProblem } from './password-policy.js';
import { UsersStore } from './users.store.js';

/** Who is there before anyone can let anyone in. */
@Injectable()
export class FirstAdministrator {
  constructor(
    private readonly store: UsersStore,
    private readonly passwords: Passwords,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Creates an administrator when there are no users at all, and otherwise nothing.
   * @returns the address, and the password when it was generated (to be shown once); null when there was no need
   * @throws Refusal invalid at `ADMIN_EMAIL`, or what is wrong with the password at `ADMIN_PASSWORD`
   */
  async ensure(
    email = 'admin@example.com',
    password?: string,
  ): Promise<{ email: string; password: string | null } | null> {
    const key = emailKey(email);
    if (key === null) throw new Refusal('invalid', { attribute: 'ADMIN_EMAIL' });
    const problem = password === undefined ? null : passwordProblem(password);
    if (problem !== null) throw new Refusal(problem, { attribute: 'ADMIN_PASSWORD' });
    const chosen = password ?? mintPassword();
    return this.audit.accounted(async (manager, note) => {
      if (!(await this.store.lockWhileEmpty(manager))) return null;
      const passwordHash = await this.passwords.hash(chosen);
      const createdAt = this.clock.now();
      const { id: userId } = await this.store.insert(
        { email: email.normalize('NFC'), emailKey: key, passwordHash, rights: ['*'], createdAt },
        manager,
      );
      note(done('user.create', OPERATOR, { userId }));
      return { email, password: password === undefined ? chosen : null };
    });
  }
}
