import type { RecordedEvent } from './event.entity.js';

/** An event before it has an id. */
export type EventRow = Omit<RecordedEvent, 'id'>;

/** Different events of one outcome that are kept of one second; of what else happens in it only the number is. */
const MOST_DISTINCT = 100;

/**
 * What happened since the last look: the same thing once, with how often. Whatever flood comes, no more of it is kept
 * than so many rows.
 */
export class Gathering {
  private readonly gathered = new Map<string, EventRow & { count: number }>();
  private readonly distinct = { ok: 0, refused: 0 };

  add(row: EventRow): void {
    const { action, outcome, reason, userId, sessionId, actorId, ip, count } = row;
    const times = count ?? 1;
    const key = JSON.stringify([action, outcome, reason, userId, sessionId, actorId, ip]);
    const same = this.gathered.get(key);
    const others = this.gathered.get(outcome);
    if (same !== undefined) same.count += times;
    else if (this.distinct[outcome] < MOST_DISTINCT) {
      this.distinct[outcome]++;
      this.gathered.set(key, { ...row, count: times });
    } else if (others !== undefined) others.count += times;
    else this.gathered.set(outcome, { ...othersOf(row), count: times });
  }

  /** Each once; `count` is null for what happened once. */
  rows(): EventRow[] {
    return [...this.gathered.values()].map((row) => ({ ...row, count: row.count === 1 ? null : row.count }));
  }
}

function othersOf({ createdAt, outcome }: EventRow): EventRow {
  const unknown = {
    userId: null,
    sessionId: null,
    organizationId: null,
    actorId: null,
    actorSessionId: null,
  };
  const nothing = { reason: null, ip: null, name: null, count: null, requestId: null };
  return { createdAt, action: 'others', outcome, ...unknown, ...nothing };
}
