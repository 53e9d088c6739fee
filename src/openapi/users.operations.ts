import { NewUser, UserChanges } from '../users/user.attributes.js';
import { userResource } from '../users/user.resource.js';
import type { Operations } from './operation.js';
import { ref } from './schemas.js';

const one = { resource: userResource, query: 'one' } as const;
const document = ref('users_document');

const GRACE = {
  id: '7443',
  type: 'users',
  attributes: {
    email: 'grace@example.com',
    first_name: 'Grace',
    last_name: 'Hopper',
    avatar_url: null,
    phone_number: null,
    locale: 'en-US',
    time_zone: 'America/New_York',
    status: 'active',
    rights: [],
    two_factor_auth: false,
    metadata: {},
    created_at: '2024-04-18T04:02:03.470+00:00',
    updated_at: '2024-04-18T04:02:03.470+00:00',
  },
};
const SHOWN = { data: GRACE, meta: {} };
const RENAMED = { data: { ...GRACE, attributes: { ...GRACE.attributes, first_name: 'Amazing' } }, meta: {} };
const PAGE = 'https://latchkey.example.com/api/v2/users?page%5Bnumber%5D=1&page%5Bsize%5D=30';

/** The routes of users. */
export const USER_OPERATIONS: Operations = {
  'GET /api/v2/users': {
    tag: 'Users',
    summary: 'List users',
    description: 'All users with the right `user.read`, otherwise only oneself; newest first.',
    who: 'signed_in',
    native: { resource: userResource, query: 'list' },
    answers: [
      {
        status: 200,
        description: 'A page of users.',
        schema: ref('users_list'),
        examples: {
          page: {
            data: [GRACE],
            links: { first: PAGE, last: PAGE },
            meta: { current_page: 1, total_pages: 1, total_count: 1, page_size: 30, max_page_size: 200 },
          },
        },
      },
    ],
  },
  'POST /api/v2/users': {
    tag: 'Users',
    summary: 'Create a user',
    description: 'Needs the right `user.write`.',
    who: 'signed_in',
    native: one,
    body: {
      shape: NewUser,
      examples: {
        'a user': {
          data: {
            type: 'users',
            attributes: { email: 'grace@example.com', password: 'a nanosecond of wire', first_name: 'Grace' },
          },
        },
      },
    },
    answers: [
      {
        status: 201,
        description: 'The user.',
        schema: document,
        examples: { user: SHOWN },
        location: 'the user',
      },
    ],
    refusals: [
      { reason: 'forbidden' },
      { reason: 'client_generated_id', member: 'data/id' },
      { reason: 'taken', attribute: 'email' },
      { reason: 'too_short', attribute: 'password' },
      { reason: 'too_common', attribute: 'password' },
      { reason: 'not_settable', attribute: 'rights' },
      { reason: 'busy' },
    ],
  },
  'GET /api/v2/users/me': {
    tag: 'Users',
    summary: 'Read the user who asks',
    who: 'signed_in',
    native: one,
    answers: [{ status: 200, description: 'The user.', schema: document, examples: { user: SHOWN } }],
  },
  'GET /api/v2/users/{id}': {
    tag: 'Users',
    summary: 'Read a user',
    description: 'Oneself, or anyone with the right `user.read`.',
    who: 'signed_in',
    native: one,
    answers: [{ status: 200, description: 'The user.', schema: document, examples: { user: SHOWN } }],
  },
  'PATCH /api/v2/users/{id}': {
    tag: 'Users',
    summary: 'Change a user',
    description:
      "Oneself, or anyone with the rights `user.read` and `user.write` and at least that user's rights. To change `email`, `phone_number` or `password`, the caller's own `current_password` is needed; it ends the user's other browser sessions, and machine sessions stay. `metadata` is written by others only.",
    who: 'signed_in',
    native: one,
    body: {
      shape: UserChanges,
      named: true,
      examples: {
        'a name': { data: { type: 'users', id: '7443', attributes: { first_name: 'Amazing' } } },
        'a password': {
          data: {
            type: 'users',
            id: '7443',
            attributes: { current_password: 'a nanosecond of wire', password: 'a microsecond of wire' },
          },
        },
      },
    },
    answers: [
      { status: 200, description: 'The user as it is now.', schema: document, examples: { user: RENAMED } },
    ],
    refusals: [
      { reason: 'forbidden' },
      { reason: 'blank', attribute: 'current_password' },
      { reason: 'wrong_password', attribute: 'current_password' },
      { reason: 'taken', attribute: 'email' },
      { reason: 'not_settable', attribute: 'rights' },
      { reason: 'not_settable', attribute: 'metadata' },
      { reason: 'conflict' },
      { reason: 'too_many_sign_ins' },
      { reason: 'busy' },
    ],
  },
  'DELETE /api/v2/users/{id}': {
    tag: 'Users',
    summary: 'Close a user',
    description:
      'Needs the right `user.write`. The user can no longer sign in, and all their sessions end, machine sessions too. The user stays readable, as `closed`.',
    who: 'signed_in',
    native: one,
    answers: [{ status: 204, description: 'The user is closed.' }],
    refusals: [{ reason: 'forbidden' }, { reason: 'last_administrator' }],
  },
};
