import type { Resource } from '../json-api/resource.js';
import type { RecordedEvent } from './event.entity.js';

/** The wire form of an event. */
export const eventResource: Resource<RecordedEvent> = {
  type: 'events',
  id: (event) => event.id,
  attributes: {
    action: { read: (event) => event.action, kind: 'text', field: 'action' },
    outcome: { read: (event) => event.outcome, kind: 'text', field: 'outcome' },
    reason: { read: (event) => event.reason, kind: 'text', field: 'reason', nullable: true },
    user_id: idOf('userId'),
    session_id: idOf('sessionId'),
    organization_id: idOf('organizationId'),
    actor_id: idOf('actorId'),
    actor_session_id: idOf('actorSessionId'),
    ip: { read: (event) => event.ip, kind: 'text', field: 'ip', nullable: true },
    name: { read: (event) => event.name, kind: 'text', field: 'name', nullable: true },
    count: { read: (event) => event.count, kind: 'number', nullable: true },
    request_id: { read: (event) => event.requestId, kind: 'text', field: 'requestId', nullable: true },
    created_at: { read: (event) => event.createdAt, kind: 'instant', field: 'createdAt' },
  },
  relationships: {},
};

type IdField = 'userId' | 'sessionId' | 'organizationId' | 'actorId' | 'actorSessionId';

function idOf(field: IdField): Resource<RecordedEvent>['attributes'][string] {
  const read = (event: RecordedEvent) => (event[field] === null ? null : Number(event[field]));
  return { read, kind: 'integer', field, nullable: true };
}
