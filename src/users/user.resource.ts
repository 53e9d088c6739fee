import type { Resource } from '../json-api/resource.js';
import type { User } from './user.entity.js';

/** The wire form of a user; `password` and `current_password` are written and never read. */
export const userResource: Resource<User> = {
  type: 'users',
  id: (user) => user.id,
  attributes: {
    email: { read: (user) => user.email, kind: 'text', field: 'email' },
    first_name: { read: (user) => user.firstName, kind: 'text', field: 'firstName', nullable: true },
    last_name: { read: (user) => user.lastName, kind: 'text', field: 'lastName', nullable: true },
    avatar_url: { read: (user) => user.avatarUrl, kind: 'text', nullable: true },
    phone_number: { read: (user) => user.phoneNumber, kind: 'text', field: 'phoneNumber', nullable: true },
    locale: { read: (user) => user.locale, kind: 'text', field: 'locale', nullable: true },
    time_zone: { read: (user) => user.timeZone, kind: 'text', field: 'timeZone', nullable: true },
    status: { read: (user) => user.status, kind: 'text', field: 'status', initial: 'active' },
    rights: { read: (user) => user.rights, kind: 'list', initial: [] },
    two_factor_auth: {
      read: (user) => user.twoFactorAuth,
      kind: 'boolean',
      field: 'twoFactorAuth',
      initial: false,
    },
    metadata: { read: (user) => user.metadata, kind: 'object', initial: {} },
    created_at: { read: (user) => user.createdAt, kind: 'instant', field: 'createdAt' },
    updated_at: { read: (user) => user.updatedAt, kind: 'instant', field: 'updatedAt', moves: true },
  },
  relationships: {},
};
