import type { Resource } from '../json-api/resource.js';
import { sessionResource } from './session.resource.js';
import type { VerificationOfSession } from './verifications.store.js';

/** The wire form of a verification; `code` and `password` are written and never read. */
export const verificationResource: Resource<VerificationOfSession> = {
  type: 'verifications',
  id: (verification) => verification.id,
  attributes: {
    session_id: { read: (verification) => Number(verification.sessionId), kind: 'integer' },
    level: { read: (verification) => verification.level, kind: 'text' },
    status: { read: (verification) => verification.status, kind: 'text' },
    strategies: { read: (verification) => verification.strategies, kind: 'list', initial: [] },
    first_factor_verified_at: {
      read: (verification) => verification.firstVerifiedAt,
      kind: 'instant',
      nullable: true,
    },
    second_factor_verified_at: {
      read: (verification) => verification.secondVerifiedAt,
      kind: 'instant',
      nullable: true,
    },
    expires_at: { read: (verification) => verification.expiresAt, kind: 'instant' },
    created_at: { read: (verification) => verification.createdAt, kind: 'instant' },
  },
  relationships: { session: { resource: sessionResource, read: (verification) => verification.session } },
};
