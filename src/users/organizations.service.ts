import { Injectable } from '@nestjs/common';
import { may, type Caller } from '../caller.js';
import { Clock } from '../clock.js';
import { BroadLists } from '../database/broad-lists.js';
import { done } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import type { Page, Slice } from '../page.js';
import { Refusal } from '../refusal.js';
import { MembershipEnds } from './membership-ends.js';
import type { Organization } from './organization.entity.js';
import {
  OrganizationsStore,
  type Member,
  type OwnMembership,
  type SeenOrganization,
} from './organizations.store.js';

/** What an organisation is called and what is noted of it. */
export type OrganizationDraft = Pick<Organization, 'name' | 'slug' | 'metadata'>;

/** Who belongs together, and as what. Members and others with `user.read` see it; the command line changes it. */
@Injectable()
export class OrganizationsService {
  constructor(
    private readonly store: OrganizationsStore,
    private readonly broad: BroadLists,
    private readonly ends: MembershipEnds,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * The organisations a caller may see: with `user.read` all of them, else those they are a member of by now, which
   * only the primary knows.
   * @throws Refusal too_broad, busy
   */
  list(caller: Caller, page: Page): Promise<Slice<SeenOrganization>> {
    const { id } = caller.user;
    if (!may(caller, 'user.read')) return this.store.list(page, id, false, null);
    return this.broad.run(page, () => this.store.list(page, id, true, caller.mark));
  }

  /** @throws Refusal not_found for an unknown organisation and for one the caller may not see */
  async read(caller: Caller, id: string): Promise<SeenOrganization> {
    const organization = await this.store.find(id, caller.user.id, may(caller, 'user.read'));
    if (organization === null) throw new Refusal('not_found');
    return organization;
  }

  /** What a user belongs to, earliest first, each with its organisation: one statement. */
  membershipsOf(user: { readonly id: string }): Promise<OwnMembership[]> {
    return this.store.membershipsOf(user.id);
  }

  /** The organisation with this slug, or null. For the command line, as are all that follow. */
  findBySlug(slug: string): Promise<Organization | null> {
    return this.store.findBySlug(slug);
  }

  /** Members that the page keeps, each with their address. */
  listMembers(page: Page): Promise<Slice<Member>> {
    return this.store.listMembers(page);
  }

  /** @throws Refusal taken at `slug` */
  create(caller: Caller, draft: OrganizationDraft): Promise<Organization> {
    return this.audit.accounted(async (manager, note) => {
      const organization = await this.store.insert(manager, { ...draft, createdAt: this.clock.now() });
      note(done('organization.create', caller, { organizationId: organization.id }));
      return organization;
    });
  }

  /** Changes what is given. @throws Refusal not_found; taken at `slug` */
  update(caller: Caller, id: string, changes: Partial<OrganizationDraft>): Promise<Organization> {
    return this.audit.accounted(async (manager, note) => {
      const locked = await this.store.lock(manager, id);
      if (locked === null) throw new Refusal('not_found');
      note(done('organization.update', caller, { organizationId: id }));
      return this.store.update(manager, locked, { ...changes, updatedAt: this.clock.now() });
    });
  }

  /** Deletes an organisation with its memberships; no session acts for it any more. @throws Refusal not_found */
  delete(caller: Caller, id: string): Promise<void> {
    return this.audit.accounted(async (manager, note) => {
      // Members first, in the order in which `SessionsService#actFor` locks: membership, session, organisation.
      const userIds = await this.store.deleteMembers(manager, id, null);
      await this.ends.announce(manager, { organizationId: id, userIds });
      if (!(await this.store.delete(manager, id))) throw new Refusal('not_found');
      note(done('organization.delete', caller, { organizationId: id }));
    });
  }

  /** Makes a user a member, or gives a member another role. @throws Refusal not_found when the organisation is gone */
  putMember(caller: Caller, id: string, userId: string, role: string): Promise<void> {
    return this.audit.accounted(async (manager, note) => {
      const isThere = await this.store.putMember(manager, id, userId, role, this.clock.now());
      if (!isThere) throw new Refusal('not_found');
      note(done('organization.put_member', caller, { organizationId: id, userId }));
    });
  }

  /** Takes a member out; no session of theirs acts for it any more. @throws Refusal not_found for who is no member */
  removeMember(caller: Caller, id: string, userId: string): Promise<void> {
    return this.audit.accounted(async (manager, note) => {
      const userIds = await this.store.deleteMembers(manager, id, userId);
      if (userIds.length === 0) throw new Refusal('not_found');
      await this.ends.announce(manager, { organizationId: id, userIds });
      note(done('organization.remove_member', caller, { organizationId: id, userId }));
    });
  }
}
