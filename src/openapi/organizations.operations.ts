import { organizationResource } from '../users/organization.resource.js';
import type { Operations } from './operation.js';
import { ref } from './schemas.js';

const FLEET = {
  id: '12',
  type: 'organizations',
  attributes: {
    name: 'Pacific Fleet',
    slug: 'pacific-fleet',
    role: 'admin',
    metadata: {},
    created_at: '2024-04-18T04:02:03.470+00:00',
    updated_at: '2024-04-18T04:02:03.470+00:00',
  },
};
const PAGE = 'https://latchkey.example.com/api/v2/organizations?page%5Bnumber%5D=1&page%5Bsize%5D=30';

/** The routes of organisations. */
export const ORGANIZATION_OPERATIONS: Operations = {
  'GET /api/v2/organizations': {
    tag: 'Organizations',
    summary: 'List organisations',
    description:
      'Those that the caller is a member of; all with the right `user.read`. Newest first. They are made and changed by the command line.',
    who: 'signed_in',
    native: { resource: organizationResource, query: 'list' },
    answers: [
      {
        status: 200,
        description: 'A page of organisations.',
        schema: ref('organizations_list'),
        examples: {
          page: {
            data: [FLEET],
            links: { first: PAGE, last: PAGE },
            meta: { current_page: 1, total_pages: 1, total_count: 1, page_size: 30, max_page_size: 200 },
          },
        },
      },
    ],
  },
  'GET /api/v2/organizations/{id}': {
    tag: 'Organizations',
    summary: 'Read an organisation',
    description: "One of the caller's own, or any with the right `user.read`.",
    who: 'signed_in',
    native: { resource: organizationResource, query: 'one' },
    answers: [
      {
        status: 200,
        description: 'The organisation.',
        schema: ref('organizations_document'),
        examples: { organization: { data: FLEET, meta: {} } },
      },
    ],
  },
};
