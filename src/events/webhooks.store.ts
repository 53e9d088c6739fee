import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { prepared } from '../database/prepared.js';
import type { RecordedEvent } from './event.entity.js';
import { EVENT } from './events.store.js';

/** An event that is to be posted, and the how manieth try this is. */
export type ClaimedEvent = RecordedEvent & { readonly attempts: number };

/** All SQL on `webhook_deliveries` but their coming to be, which is the events' (`EventsStore#insert`). */
@Injectable()
export class WebhooksStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Takes on deliveries whose time has come, in their order: of many processes that ask, each gets others.
   * @param refused whether of refusals, or of acts that were done
   * @param until nobody else takes them on before that: whoever did may have died of it
   */
  claim(refused: boolean, now: Date, until: Date, most: number): Promise<ClaimedEvent[]> {
    return prepared<ClaimedEvent>(
      this.database,
      'webhook_deliveries_claim',
      `WITH due AS (
         SELECT event_id FROM webhook_deliveries WHERE refused = $4 AND next_attempt_at <= $1
         ORDER BY next_attempt_at, event_id LIMIT $3 FOR UPDATE SKIP LOCKED)
       UPDATE webhook_deliveries d SET attempts = d.attempts + 1, next_attempt_at = $2
       FROM due JOIN events e ON e.id = due.event_id
       WHERE d.event_id = due.event_id RETURNING d.attempts, ${EVENT}`,
      [now, until, most, refused],
    );
  }

  /** Leaves one to another try. */
  async postpone({ id, attempts }: ClaimedEvent, until: Date): Promise<void> {
    await prepared(
      this.database,
      'webhook_delivery_postpone',
      'UPDATE webhook_deliveries SET next_attempt_at = $3 WHERE event_id = $1 AND attempts = $2',
      [id, attempts, until],
    );
  }

  /** Takes one off, as delivered or as given up. */
  async remove({ id }: ClaimedEvent): Promise<void> {
    await prepared(
      this.database,
      'webhook_delivery_remove',
      'DELETE FROM webhook_deliveries WHERE event_id = $1',
      [id],
    );
  }
}
