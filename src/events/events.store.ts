import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { SessionMark } from '../caller.js';
import { prepared } from '../database/prepared.js';
import { Replica } from '../database/replica.js';
import { selectPage } from '../database/select-page.js';
import type { Columns } from '../database/where-of.js';
import type { Page, Slice } from '../page.js';
import type { RecordedEvent } from './event.entity.js';
import type { EventRow } from './gathering.js';

/** The columns that an INSERT writes, with their types and the row's names of them. */
const WRITTEN = [
  ['created_at', 'timestamptz', 'createdAt'],
  ['action', 'text', 'action'],
  ['outcome', 'text', 'outcome'],
  ['reason', 'text', 'reason'],
  ['user_id', 'bigint', 'userId'],
  ['session_id', 'bigint', 'sessionId'],
  ['organization_id', 'bigint', 'organizationId'],
  ['actor_id', 'bigint', 'actorId'],
  ['actor_session_id', 'bigint', 'actorSessionId'],
  ['ip', 'text', 'ip'],
  ['name', 'text', 'name'],
  ['count', 'integer', 'count'],
  ['request_id', 'text', 'requestId'],
] as const satisfies readonly (readonly [column: string, type: string, name: keyof EventRow])[];

const ARRAYS = WRITTEN.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');
const INSERT = `INSERT INTO events (${WRITTEN.map(([column]) => column).join(', ')})
  SELECT * FROM unnest(${ARRAYS})`;

/** The select list of an event, of `events e`. */
export const EVENT = `e.id, ${WRITTEN.map(([column, , name]) => `e.${column} AS "${name}"`).join(', ')}`;

const LISTED: Columns = {
  id: { sql: 'e.id', kind: 'integer', nullable: false },
  createdAt: { sql: 'e.created_at', kind: 'instant', nullable: false },
  action: { sql: 'e.action', kind: 'text', nullable: false },
  outcome: { sql: 'e.outcome', kind: 'text', nullable: false },
  reason: { sql: 'e.reason', kind: 'text', nullable: true },
  userId: { sql: 'e.user_id', kind: 'integer', nullable: true },
  sessionId: { sql: 'e.session_id', kind: 'integer', nullable: true },
  organizationId: { sql: 'e.organization_id', kind: 'integer', nullable: true },
  actorId: { sql: 'e.actor_id', kind: 'integer', nullable: true },
  actorSessionId: { sql: 'e.actor_session_id', kind: 'integer', nullable: true },
  ip: { sql: 'e.ip', kind: 'text', nullable: true },
  name: { sql: 'e.name', kind: 'text', nullable: true },
  requestId: { sql: 'e.request_id', kind: 'text', nullable: true },
};

/** All SQL on `events`. */
@Injectable()
export class EventsStore {
  constructor(
    private readonly database: DataSource,
    private readonly replica: Replica,
  ) {}

  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.transaction(work);
  }

  /**
   * Adds events, and what has to be delivered of them, in one statement.
   * @param manager the transaction of what they tell of; null for one of their own
   * @param delivered whether the webhook is to have them
   */
  async insert(manager: EntityManager | null, rows: readonly EventRow[], delivered: boolean): Promise<void> {
    await prepared(
      manager ?? this.database,
      delivered ? 'events_insert_delivered' : 'events_insert',
      delivered
        ? `WITH added AS (${INSERT} RETURNING id, outcome)
           INSERT INTO webhook_deliveries (event_id, next_attempt_at, refused)
           SELECT id, 'epoch', outcome = 'refused' FROM added`
        : INSERT,
      WRITTEN.map(([, , name]) => rows.map((row) => row[name])),
    );
  }

  async find(id: string): Promise<RecordedEvent | null> {
    const rows = await prepared<RecordedEvent>(
      this.database,
      'event_by_id',
      `SELECT ${EVENT} FROM events e WHERE e.id = $1`,
      [id],
    );
    return rows[0] ?? null;
  }

  /** Removes the oldest events, if they are from before a moment. @returns how many, at most so many */
  async removeOld(manager: EntityManager, before: Date, most: number): Promise<number> {
    const rows = await prepared(
      manager,
      'events_remove_old',
      `DELETE FROM events WHERE id IN (
         SELECT id FROM events WHERE created_at < $1 ORDER BY created_at, id LIMIT $2)
       RETURNING id`,
      [before, most],
    );
    return rows.length;
  }

  /** Events that the page keeps. @param mark of who asks, for the replica */
  list(page: Page, mark: SessionMark | null): Promise<Slice<RecordedEvent>> {
    return this.replica.read(mark, (runner) =>
      selectPage<RecordedEvent>({
        runner,
        columns: LISTED,
        page,
        select: EVENT,
        from: 'events e',
        where: 'true',
        values: [],
      }),
    );
  }
}
