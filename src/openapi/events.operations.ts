import { eventResource } from '../events/event.resource.js';
import type { Operations } from './operation.js';
import { ref } from './schemas.js';

const SIGN_IN = {
  id: '1024',
  type: 'events',
  attributes: {
    action: 'session.open',
    outcome: 'refused',
    reason: 'unauthenticated',
    user_id: null,
    session_id: null,
    organization_id: null,
    actor_id: null,
    actor_session_id: null,
    ip: '192.0.2.7',
    name: null,
    count: 3,
    request_id: '8c9e2f5a-6f0e-4c5b-9d3e-0d6c1a1f7b52',
    created_at: '2024-04-18T04:02:03.470+00:00',
  },
};
const PAGE = 'https://latchkey.example.com/api/v2/events?page%5Bnumber%5D=1&page%5Bsize%5D=30';

/** The routes of what happened. */
export const EVENT_OPERATIONS: Operations = {
  'GET /api/v2/events': {
    tag: 'Events',
    summary: 'List what happened',
    description:
      'Who signed in, stepped up, ended or revoked what, from where, and what was refused; newest first. Needs the right `event.read`. docs/events.md has every action.',
    who: 'signed_in',
    native: { resource: eventResource, query: 'list' },
    refusals: [{ reason: 'forbidden' }],
    answers: [
      {
        status: 200,
        description: 'A page of events.',
        schema: ref('events_list'),
        examples: {
          page: {
            data: [SIGN_IN],
            links: { first: PAGE, last: PAGE },
            meta: { current_page: 1, total_pages: 1, total_count: 1, page_size: 30, max_page_size: 200 },
          },
        },
      },
    ],
  },
  'GET /api/v2/events/{id}': {
    tag: 'Events',
    summary: 'Read an event',
    description: 'Needs the right `event.read`.',
    who: 'signed_in',
    native: { resource: eventResource, query: 'one' },
    answers: [
      {
        status: 200,
        description: 'The event.',
        schema: ref('events_document'),
        examples: { event: { data: SIGN_IN, meta: {} } },
      },
    ],
  },
};
