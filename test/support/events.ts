import type { RecordedEvent } from '../../src/events/event.entity.js';
import { AuditLog } from '../../src/events/audit-log.js';
import type { Latchkey } from './latchkey.js';

/** Every event that happened so far, the earliest first, those included that are still gathered. */
export async function writtenEvents(latchkey: Latchkey): Promise<RecordedEvent[]> {
  await latchkey.app.get(AuditLog).flush();
  return latchkey.sql<RecordedEvent>(
    `SELECT id, action, outcome, reason, user_id AS "userId", session_id AS "sessionId",
       organization_id AS "organizationId", actor_id AS "actorId", actor_session_id AS "actorSessionId", ip, name,
       count, request_id AS "requestId", created_at AS "createdAt"
     FROM events ORDER BY id`,
  );
}

/** The id of the newest event. */
export async function newestEventId(latchkey: Latchkey): Promise<string> {
  return (await writtenEvents(latchkey)).at(-1)!.id;
}
