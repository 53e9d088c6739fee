import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from 'typeorm';
import { holdsAllRightsOf, may, OPERATOR, type Caller } from '../caller.js';
import { Clock } from '../clock.js';
import { BroadLists } from '../database/broad-lists.js';
import { Notices } from '../delivery/mailer.js';
import type { Action } from '../events/actions.js';
import { done, doneBy } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import type { Page, Slice } from '../page.js';
import { Refusal } from '../refusal.js';
import { Passwords } from '../secrets.js';
import { Attempts } from './attempts.js';
import { CredentialChanges } from './credential-changes.js';
import { emailKey } from './email.js';
import { PasswordCheck } from './password-check.js';
import { passwordProblem } from './password-policy.js';
import type { User } from './user.entity.js';
import { UsersStore } from './users.store.js';

/** What may be said about a person; every member is optional and null clears it. */
export type Profile = Partial<
  Pick<User, 'firstName' | 'lastName' | 'avatarUrl' | 'phoneNumber' | 'locale' | 'timeZone'>
>;

interface UserDraft extends Profile {
  readonly email: string;
  readonly metadata?: User['metadata'];
  /** Null for someone who cannot sign in by password yet. */
  readonly password: string | null;
  readonly rights?: string[];
}

interface UserEdits extends Profile {
  readonly email?: string;
  /** Replaces what is noted of somebody else. */
  readonly metadata?: User['metadata'];
  readonly password?: string;
  /** The caller's own password, asked for when the address, the telephone number or the password changes. */
  readonly currentPassword?: string;
}

/** Who someone is: adds, changes and closes users. */
@Injectable()
export class UsersService {
  constructor(
    private readonly store: UsersStore,
    private readonly broad: BroadLists,
    private readonly passwords: Passwords,
    private readonly attempts: Attempts,
    private readonly passwordCheck: PasswordCheck,
    private readonly changes: CredentialChanges,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
    private readonly notices: Notices,
  ) {}

  /** The users a caller may see: with `user.read` all of them, else only themselves. @throws Refusal too_broad, busy */
  list(caller: Caller, page: Page): Promise<Slice<User>> {
    if (!may(caller, 'user.read')) return this.store.list(page, caller.user.id, caller.mark);
    return this.broad.run(page, () => this.store.list(page, null, caller.mark));
  }

  /** @throws Refusal not_found for an unknown user and for one the caller may not see */
  async read(caller: Caller, id: string): Promise<User> {
    const visible = id === caller.user.id || may(caller, 'user.read');
    const user = visible ? await this.store.find(id) : null;
    if (user === null) throw new Refusal('not_found');
    return user;
  }

  /**
   * @throws Refusal forbidden without `user.write`; taken or invalid at `email`; what is wrong with the password
   *   at `password`; busy; unauthenticated when the caller's session ended meanwhile
   */
  async create(caller: Caller, draft: UserDraft): Promise<User> {
    if (!may(caller, 'user.write')) throw this.forbidden(caller, 'user.create');
    const { email, password, rights = [], ...profile } = draft;
    const passwordHash = password === null ? null : await this.hashNew(password);
    const row = {
      ...profile,
      email: email.normalize('NFC'),
      emailKey: knownEmailKey(email),
      passwordHash,
      rights,
      createdAt: this.clock.now(),
    };
    return this.audit.accounted(async (manager, note) => {
      // Once more, since the hash had to wait for its turn.
      const actor = caller === OPERATOR ? null : await this.changes.hold(manager, caller);
      if (actor !== null && !(actor.status === 'active' && may(actor, 'user.write'))) {
        throw this.forbidden(caller, 'user.create');
      }
      const user = await this.store.insert(row, manager);
      note(done('user.create', caller, { userId: user.id }));
      return user;
    });
  }

  /**
   * Changes a profile, an address, a telephone number or a password. The latter three ask for the caller's own current
   * password and end the user's other browser sessions in the same transaction; machine sessions stay.
   * @throws Refusal not_found, forbidden, blank or wrong_password at `current_password`, taken, too_many_sign_ins;
   *   unauthenticated when the caller's session ended meanwhile;
   *   not_settable at `metadata` for one's own, which others write;
   *   conflict when an address or a number was sent and another was set meanwhile
   */
  async update(caller: Caller, id: string, edits: UserEdits): Promise<User> {
    const before = await this.writable(caller, id, 'user.update');
    const { email, password, currentPassword, metadata, ...profile } = edits;
    if (id === caller.user.id && metadata !== undefined && !isDeepStrictEqual(metadata, before.metadata)) {
      throw new Refusal('not_settable', { attribute: 'metadata' });
    }
    const key = email === undefined ? before.emailKey : knownEmailKey(email);
    const { phoneNumber = before.phoneNumber } = edits;
    const isNewProof =
      password !== undefined || key !== before.emailKey || phoneNumber !== before.phoneNumber;
    const proved = isNewProof ? await this.proveCaller(caller, currentPassword) : null;
    const passwordHash = password === undefined ? undefined : await this.hashNew(password);
    const updated = await this.oneAddressTried(caller, key !== before.emailKey, () =>
      this.audit.accounted(async (manager, note) => {
        const user = await this.lockedWritable(manager, caller, id, 'user.update', proved);
        // Else an address that was new to nobody when it was sent would undo, without a password, one set since.
        if (email !== undefined && user.emailKey !== before.emailKey) throw new Refusal('conflict');
        if (edits.phoneNumber !== undefined && user.phoneNumber !== before.phoneNumber)
          throw new Refusal('conflict');
        const changed = {
          ...profile,
          ...(metadata === undefined || id === caller.user.id ? {} : { metadata }),
          ...(email === undefined ? {} : { email: email.normalize('NFC'), emailKey: key }),
          ...(passwordHash === undefined ? {} : { passwordHash }),
          updatedAt: this.clock.now(),
        };
        if (!isNewProof) {
          if (id !== caller.user.id) note(done('user.update', caller, { userId: id }));
          return this.store.update(manager, user, changed);
        }
        note(done('user.new_credentials', caller, { userId: id }));
        return this.changes.apply(manager, caller, user, changed, 'browser');
      }),
    );
    if (isNewProof) this.tellOfNewProof(before);
    return updated;
  }

  /**
   * Closes a user: they cannot sign in any more, and every session of theirs is over, machine ones too.
   * Closing a closed user changes nothing.
   * @throws Refusal not_found, forbidden, last_administrator; unauthenticated as `update`
   */
  async close(caller: Caller, id: string): Promise<void> {
    await this.writable(caller, id, 'user.close');
    if (!may(caller, 'user.write')) throw this.forbidden(caller, 'user.close', id);
    await this.audit.accounted(async (manager, note) => {
      if (await this.isLastAdministrator(manager, caller, id)) throw new Refusal('last_administrator');
      const locked = await this.lockedWritable(manager, caller, id, 'user.close');
      if (locked.status === 'closed') return;
      const closed = { status: 'closed' as const, updatedAt: this.clock.now() };
      await this.changes.apply(manager, caller, locked, closed, 'all');
      note(done('user.close', caller, { userId: id }));
    });
  }

  /** Gives a user exactly these rights, from the next request on. @throws Refusal not_found, last_administrator */
  setRights(caller: Caller, id: string, rights: string[]): Promise<User> {
    return this.audit.accounted(async (manager, note) => {
      const isLast = await this.isLastAdministrator(manager, caller, id);
      if (isLast && !rights.includes('*')) throw new Refusal('last_administrator');
      const locked = await this.locked(manager, id);
      note(done('user.set_rights', caller, { userId: id }));
      return this.store.update(manager, locked, { rights, updatedAt: this.clock.now() });
    });
  }

  /** The user with this address in whatever spelling, or null. For the command line, and as `find`. */
  findByEmail(email: string): Promise<User | null> {
    return this.store.findByEmailKey(emailKey(email) ?? '');
  }

  /** The user with this id, or null, for rooms that have decided themselves who may know. */
  find(id: string): Promise<User | null> {
    return this.store.find(id);
  }

  private hashNew(password: string): Promise<string> {
    const problem = passwordProblem(password);
    if (problem !== null) throw new Refusal(problem, { attribute: 'password' });
    return this.passwords.hash(password);
  }

  private async writable(caller: Caller, id: string, action: Action): Promise<User> {
    const user = await this.read(caller, id);
    if (user.id !== caller.user.id && !mayWrite(caller, user)) throw this.forbidden(caller, action, id);
    return user;
  }

  /**
   * Locks a user and judges once more, as things are by then: since `writable` a password was checked and hashed,
   * and meanwhile the caller may have been closed or lost a right, or the user have been given one.
   * @param proved the caller as their password was proved
   */
  private async lockedWritable(
    manager: EntityManager,
    caller: Caller,
    id: string,
    action: Action,
    proved: User | null = null,
  ): Promise<User> {
    const others = caller !== OPERATOR && id !== caller.user.id;
    const people = await this.store.lockAll(manager, others ? [id, caller.user.id] : [id]);
    const user = people.get(id);
    if (user === undefined) throw new Refusal('not_found');
    if (caller === OPERATOR) return user;
    const actor = people.get(caller.user.id);
    if (actor === undefined || (proved !== null && proved.credentialsVersion !== actor.credentialsVersion)) {
      throw new Refusal('wrong_password', { attribute: 'current_password' });
    }
    if (others && !(actor.status === 'active' && mayWrite(actor, user)))
      throw this.forbidden(caller, action, id);
    return user;
  }

  private forbidden(caller: Caller, action: Action, userId?: string): Refusal {
    this.audit.record({ action, userId, ...doneBy(caller), outcome: 'refused', reason: 'forbidden' });
    return new Refusal('forbidden');
  }

  private async proveCaller(caller: Caller, currentPassword: string | undefined): Promise<User | null> {
    if (caller === OPERATOR) return null;
    if (!currentPassword) throw new Refusal('blank', { attribute: 'current_password' });
    const { actorSessionId, ip } = doneBy(caller);
    const about = { action: 'user.prove_password', userId: caller.user.id, actorSessionId, ip } as const;
    return this.audit.recordRefusal(about, async () => {
      const proved = await this.passwordCheck.reprove(caller.user.id, currentPassword, caller.ip);
      if (proved === null) throw new Refusal('wrong_password', { attribute: 'current_password' });
      return proved;
    });
  }

  /** Locks all administrators, with whoever acts and is acted on, so that two of them cannot take each other away. */
  private async isLastAdministrator(manager: EntityManager, caller: Caller, id: string): Promise<boolean> {
    const administrators = await this.store.lockAdministrators(manager, [id, caller.user.id]);
    return administrators.length === 1 && administrators[0] === id;
  }

  private async locked(manager: EntityManager, id: string): Promise<User> {
    const user = await this.store.lock(manager, id);
    if (user === null) throw new Refusal('not_found');
    return user;
  }

  /** Trying addresses tells which of them are taken, so only so many may be tried. */
  private async oneAddressTried<T>(caller: Caller, isNew: boolean, write: () => Promise<T>): Promise<T> {
    if (!isNew || may(caller, 'user.read')) return write();
    const limits = [{ key: `address of ${caller.user.id}`, most: 10, clearedBySuccess: false }];
    const written = await this.attempts.guard(limits, 'too_many_sign_ins', async () => ({
      result: await write(),
    }));
    return (written as { result: T }).result;
  }

  private tellOfNewProof(before: Pick<User, 'email'>): void {
    this.notices.send({
      to: before.email,
      subject: 'Your password, e-mail address or telephone number was changed',
      text: 'The password, the e-mail address or the telephone number of your account was changed, and your other browser sessions were ended.',
    });
  }
}

function mayWrite(holder: Pick<Caller, 'rights'>, other: User): boolean {
  return may(holder, 'user.write') && holdsAllRightsOf(holder.rights, other.rights);
}

function knownEmailKey(email: string): string {
  const key = emailKey(email);
  if (key === null) throw new Refusal('invalid', { attribute: 'email' });
  return key;
}
