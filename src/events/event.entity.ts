import { Check, Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import type { Action } from './actions.js';

/** How an act ended. */
export type Outcome = 'ok' | 'refused';

/** Something that happened, as it is kept. It refers to nothing: what it is about may be gone before it. */
@Entity('events')
@Check('events_outcome_known', `outcome IN ('ok', 'refused')`)
@Index('events_created_at', ['createdAt', 'id'])
@Index('events_of_user', ['userId', 'id'])
@Index('events_of_session', ['sessionId', 'id'])
@Index('events_of_actor', ['actorId', 'id'])
export class RecordedEvent {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'events_pkey',
  })
  id: string;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('text')
  action: Action;

  @Column('text')
  outcome: Outcome;

  /** Why it was refused. */
  @Column('text', { nullable: true })
  reason: string | null;

  /** Whose account or session it is about. */
  @Column('bigint', { name: 'user_id', nullable: true })
  userId: string | null;

  @Column('bigint', { name: 'session_id', nullable: true })
  sessionId: string | null;

  @Column('bigint', { name: 'organization_id', nullable: true })
  organizationId: string | null;

  /** Who did it, where that is said apart from whose it is; `0` is the command line. */
  @Column('bigint', { name: 'actor_id', nullable: true })
  actorId: string | null;

  /** The session that it was done with. */
  @Column('bigint', { name: 'actor_session_id', nullable: true })
  actorSessionId: string | null;

  /** The address it came from; of the command line, that. */
  @Column('text', { nullable: true })
  ip: string | null;

  /** Which one, of what is known by a name. */
  @Column('text', { nullable: true })
  name: string | null;

  /** How many it touched, or how often it happened within a second; null for once. */
  @Column('integer', { nullable: true })
  count: number | null;

  /** The `X-Request-Id` of the answer. */
  @Column('text', { name: 'request_id', nullable: true })
  requestId: string | null;
}
