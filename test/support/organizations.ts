import { OPERATOR } from '../../src/caller.js';
import type { Organization } from '../../src/users/organization.entity.js';
import { OrganizationsService } from '../../src/users/organizations.service.js';
import type { Latchkey, Person } from './latchkey.js';

interface Founding {
  readonly name?: string;
  readonly slug?: string;
  /** What all members are. */
  readonly role?: string;
  readonly metadata?: Record<string, unknown>;
}

let founded = 0;

/** A new organisation with these members, by the back door: there is no front one. */
export async function addOrganization(
  latchkey: Latchkey,
  members: readonly Pick<Person, 'id'>[] = [],
  { name = 'Pacific Fleet', slug = `fleet-${++founded}`, role = 'member', metadata = {} }: Founding = {},
): Promise<Organization> {
  const organizations = organizationsOf(latchkey);
  const draft = { name, slug, metadata };
  const organization = await organizations.create(OPERATOR, draft);
  for (const { id } of members) await organizations.putMember(OPERATOR, organization.id, id, role);
  return organization;
}

/** The service itself, for what only the command line asks of it. */
export function organizationsOf(latchkey: Latchkey): OrganizationsService {
  return latchkey.app.get(OrganizationsService, { strict: false });
}
