import { networkOf } from '../http/client-address.js';
import type { RecordedEvent } from './event.entity.js';

/** An event before it has an id. */
export type EventRow = Omit<RecordedEvent, 'id'>;

/** Different events of one outcome that are kept of one second; of what else happens in it only the number is. */
const MOST_DISTINCT = 100;
/** As many of one address (IPv6: /64), of what strangers are refused: they can be refused as often as they like. */
const MOST_DISTINCT_REFUSED = 10;

/**
 * What happened since the last look: the same thing once, with how often. Whatever flood comes, no more of it is kept
 * than so many rows, and of what strangers at one address are refused only a part of them: beyond, its number has an
 * event of that address (of its /64), and where there is no room for that either, one of all.
 */
export class Gathering {
  private readonly gathered = new Map<string, EventRow & { count: number }>();
  private readonly distinct = { ok: 0, refused: 0 };
  private readonly refused = new Map<string | null, number>();

  add(row: EventRow): void {
    const { outcome } = row;
    const network = networkOfRow(row);
    const hasRoom = this.distinct[outcome] < MOST_DISTINCT;
    const isModest = !isOfStranger(row) || (this.refused.get(network) ?? 0) < MOST_DISTINCT_REFUSED;
    if (this.put(row, hasRoom && isModest) || this.put(othersOf(row, network), hasRoom)) return;
    this.put(othersOf(row, null), true);
  }

  /** Each once; `count` is null for what happened once. */
  rows(): EventRow[] {
    return [...this.gathered.values()].map((row) => ({ ...row, count: row.count === 1 ? null : row.count }));
  }

  /** Adds it to what was the same, or apart if that may be. @returns whether it did */
  private put(row: EventRow, mayBeApart: boolean): boolean {
    const { action, outcome, reason, userId, sessionId, actorId, ip, count } = row;
    const times = count ?? 1;
    const key = JSON.stringify([action, outcome, reason, userId, sessionId, actorId, ip]);
    const same = this.gathered.get(key);
    if (same !== undefined) same.count += times;
    else if (mayBeApart) {
      this.gathered.set(key, { ...row, count: times });
      this.distinct[outcome]++;
      const network = networkOfRow(row);
      if (isOfStranger(row)) this.refused.set(network, (this.refused.get(network) ?? 0) + 1);
    }
    return same !== undefined || mayBeApart;
  }
}

/** Whether nobody was recognised whose refusal it is. A session's id says nothing: strangers choose it. */
function isOfStranger({ outcome, userId }: EventRow): boolean {
  return outcome === 'refused' && userId === null;
}

function networkOfRow({ ip }: EventRow): string | null {
  return ip === null ? null : networkOf(ip);
}

/** That more of an outcome happened. @param ip the address or network that it is told of; null for all */
function othersOf({ createdAt, outcome, count }: EventRow, ip: string | null): EventRow {
  const nobody = { userId: null, sessionId: null, organizationId: null, actorId: null, actorSessionId: null };
  const nothing = { reason: null, name: null, requestId: null };
  return { createdAt, action: 'others', outcome, ...nobody, ...nothing, ip, count };
}
