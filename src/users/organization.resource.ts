import type { Resource } from '../json-api/resource.js';
import type { SeenOrganization } from './organizations.store.js';

/** The wire form of an organisation, as whoever asks sees it. */
export const organizationResource: Resource<SeenOrganization> = {
  type: 'organizations',
  id: (organization) => organization.id,
  attributes: {
    name: { read: (organization) => organization.name, kind: 'text', field: 'name' },
    slug: { read: (organization) => organization.slug, kind: 'text', field: 'slug' },
    role: { read: (organization) => organization.role, kind: 'text', field: 'role', nullable: true },
    metadata: { read: (organization) => organization.metadata, kind: 'object' },
    created_at: { read: (organization) => organization.createdAt, kind: 'instant', field: 'createdAt' },
    updated_at: {
      read: (organization) => organization.updatedAt,
      kind: 'instant',
      field: 'updatedAt',
      moves: true,
    },
  },
  relationships: {},
};
