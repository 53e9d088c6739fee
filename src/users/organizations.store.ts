import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager, QueryFailedError } from 'typeorm';
import type { SessionMark } from '../caller.js';
import { prepared } from '../database/prepared.js';
import { Replica } from '../database/replica.js';
import { selectPage } from '../database/select-page.js';
import type { Columns } from '../database/where-of.js';
import type { Page, Slice } from '../page.js';
import { Refusal } from '../refusal.js';
import type { Membership } from './membership.entity.js';
import { Organization } from './organization.entity.js';

/** An organisation as one user sees it. */
export type SeenOrganization = Organization & {
  /** What that user is in it; null for somebody who is no member. */
  readonly role: string | null;
};

/** A membership with what it is a membership of. */
export type OwnMembership = Omit<Membership, 'user' | 'organization'> & {
  readonly organization: Organization;
};

/** A membership with the address of its user. */
export type Member = Omit<Membership, 'user' | 'organization'> & { readonly email: string };

const ORGANIZATION = `o.id, o.name, o.slug, o.metadata, o.created_at AS "createdAt", o.updated_at AS "updatedAt"`;

const MEMBERSHIP = `m.id, m.organization_id AS "organizationId", m.user_id AS "userId", m.role,
  m.created_at AS "createdAt", m.updated_at AS "updatedAt"`;

const LISTED: Columns = {
  id: { sql: 'o.id', kind: 'integer', nullable: false },
  name: { sql: 'o.name', kind: 'text', nullable: false },
  slug: { sql: 'o.slug', kind: 'text', nullable: false },
  role: { sql: 'm.role', kind: 'text', nullable: true },
  createdAt: { sql: 'o.created_at', kind: 'instant', nullable: false },
  updatedAt: { sql: 'o.updated_at', kind: 'instant', nullable: false },
};

const LISTED_MEMBERS: Columns = {
  id: { sql: 'm.id', kind: 'integer', nullable: false },
  organizationId: { sql: 'm.organization_id', kind: 'integer', nullable: false },
};

/** An organisation beside the membership that user $1 has in it, if they have one. */
const SEEN = 'organizations o LEFT JOIN memberships m ON m.organization_id = o.id AND m.user_id = $1';

/** All SQL on `organizations` and `memberships`. */
@Injectable()
export class OrganizationsStore {
  constructor(
    private readonly database: DataSource,
    private readonly replica: Replica,
  ) {}

  /**
   * Organisations that the page keeps, as a user sees them; without `everything` those that they are a member of.
   * @param mark of who asks, for the replica
   */
  list(
    page: Page,
    userId: string,
    everything: boolean,
    mark: SessionMark | null,
  ): Promise<Slice<SeenOrganization>> {
    return this.replica.read(mark, (runner) =>
      selectPage<SeenOrganization>({
        runner,
        columns: LISTED,
        page,
        select: `${ORGANIZATION}, m.role`,
        from: SEEN,
        where: everything ? 'true' : 'm.id IS NOT NULL',
        values: [userId],
      }),
    );
  }

  async find(id: string, userId: string, everything: boolean): Promise<SeenOrganization | null> {
    const rows = await prepared<SeenOrganization>(
      this.database,
      'organization_by_id',
      `SELECT ${ORGANIZATION}, m.role FROM ${SEEN} WHERE o.id = $2 AND ($3 OR m.id IS NOT NULL)`,
      [userId, id, everything],
    );
    return rows[0] ?? null;
  }

  findBySlug(slug: string): Promise<Organization | null> {
    return this.database.manager.findOneBy(Organization, { slug });
  }

  /** What a user belongs to, earliest first. */
  async membershipsOf(userId: string): Promise<OwnMembership[]> {
    const rows = await prepared<MembershipRow>(
      this.database,
      'memberships_of_user',
      `SELECT ${MEMBERSHIP}, o.name, o.slug, o.metadata, o.created_at AS "organizationCreatedAt",
         o.updated_at AS "organizationUpdatedAt"
       FROM memberships m JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = $1 ORDER BY m.id`,
      [userId],
    );
    return rows.map(withOrganization);
  }

  /** Members that the page keeps, each with their address. */
  listMembers(page: Page): Promise<Slice<Member>> {
    return selectPage<Member>({
      runner: this.database,
      columns: LISTED_MEMBERS,
      page,
      select: `${MEMBERSHIP}, u.email`,
      from: 'memberships m JOIN users u ON u.id = m.user_id',
      where: 'true',
      values: [],
    });
  }

  /** @throws Refusal taken, pointing at `slug` */
  async insert(
    manager: EntityManager,
    row: Pick<Organization, 'name' | 'slug' | 'metadata' | 'createdAt'>,
  ): Promise<Organization> {
    return unlessTaken(() =>
      manager.save(Organization, manager.create(Organization, { ...row, updatedAt: row.createdAt })),
    );
  }

  /** Writes what changed about a locked row. @throws Refusal taken, pointing at `slug` */
  update(manager: EntityManager, row: Organization, changes: Partial<Organization>): Promise<Organization> {
    return unlessTaken(() => manager.save(Organization, Object.assign(row, changes)));
  }

  /** Reads an organisation and keeps the row from changing until the transaction ends. */
  lock(manager: EntityManager, id: string): Promise<Organization | null> {
    return manager.findOne(Organization, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  async delete(manager: EntityManager, id: string): Promise<boolean> {
    const { affected } = await manager.delete(Organization, { id });
    return affected === 1;
  }

  /** Makes a user a member, or gives a member another role. @returns false when the organisation is gone */
  async putMember(
    manager: EntityManager,
    organizationId: string,
    userId: string,
    role: string,
    now: Date,
  ): Promise<boolean> {
    const rows = await prepared(
      manager,
      'membership_put',
      `INSERT INTO memberships AS m (organization_id, user_id, role, created_at, updated_at)
       SELECT o.id, $2::bigint, $3, $4::timestamptz, $4::timestamptz FROM organizations o WHERE o.id = $1
       FOR KEY SHARE OF o
       ON CONFLICT (user_id, organization_id) DO UPDATE SET role = $3, updated_at = $4
       RETURNING m.id`,
      [organizationId, userId, role, now],
    );
    return rows.length === 1;
  }

  /** Takes a member out, or all of them. @returns who was one */
  async deleteMembers(
    manager: EntityManager,
    organizationId: string,
    userId: string | null,
  ): Promise<string[]> {
    const rows = await prepared<{ userId: string }>(
      manager,
      'memberships_delete',
      `WITH ended AS (
         SELECT id FROM memberships WHERE organization_id = $1 AND ($2::bigint IS NULL OR user_id = $2)
         ORDER BY id FOR UPDATE)
       DELETE FROM memberships m USING ended WHERE m.id = ended.id RETURNING m.user_id AS "userId"`,
      [organizationId, userId],
    );
    return rows.map((row) => row.userId);
  }
}

type MembershipRow = Omit<OwnMembership, 'organization'> &
  Pick<Organization, 'name' | 'slug' | 'metadata'> & {
    readonly organizationCreatedAt: Date;
    readonly organizationUpdatedAt: Date;
  };

function withOrganization(row: MembershipRow): OwnMembership {
  const { name, slug, metadata, organizationCreatedAt, organizationUpdatedAt, ...membership } = row;
  const organization = {
    id: row.organizationId,
    name,
    slug,
    metadata,
    createdAt: organizationCreatedAt,
    updatedAt: organizationUpdatedAt,
  };
  return { ...membership, organization };
}

async function unlessTaken<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const cause = error instanceof QueryFailedError ? (error.driverError as { constraint?: string }) : null;
    if (cause?.constraint === 'organizations_slug_unique') {
      throw new Refusal('taken', { attribute: 'slug', detail: 'slug belongs to an organisation already' });
    }
    throw error;
  }
}
