import { Column, Entity, Index, JoinColumn, OneToOne, PrimaryColumn } from 'typeorm';
import { RecordedEvent } from './event.entity.js';

/**
 * An event that the webhook has not taken yet. Index `webhook_deliveries_next_attempt_at` serves instances of the version
 * before migration 16, while they run beside this one; a later release drops it.
 */
@Entity('webhook_deliveries')
@Index('webhook_deliveries_next_attempt_at', ['nextAttemptAt'])
@Index('webhook_deliveries_in_line', ['refused', 'nextAttemptAt', 'eventId'])
export class WebhookDelivery {
  @PrimaryColumn('bigint', { name: 'event_id', primaryKeyConstraintName: 'webhook_deliveries_pkey' })
  eventId: string;

  @OneToOne(() => RecordedEvent, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'event_id', foreignKeyConstraintName: 'webhook_deliveries_event_id_fkey' })
  event?: RecordedEvent;

  /** Tries that were begun. */
  @Column('integer', { default: 0 })
  attempts: number;

  /** Whoever takes it on moves this ahead, so that nobody else does; and then by what became of the try. */
  @Column('timestamp with time zone', { name: 'next_attempt_at', precision: 3 })
  nextAttemptAt: Date;

  /** Whether it tells of a refusal: those wait in a line of their own. */
  @Column('boolean', { default: false })
  refused: boolean;
}
