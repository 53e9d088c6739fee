import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { Session } from './session.entity.js';

/** What has to be proved: one factor, the second one, or first one and then the other. */
export const LEVELS = ['first_factor', 'second_factor', 'multi_factor'] as const;
export type Level = (typeof LEVELS)[number];

/** One of the two that somebody proves in turn. */
export type Factor = 'first' | 'second';

/** How a factor is proved. */
export const STRATEGIES = ['password', 'email_code', 'sms_code', 'totp', 'recovery_code'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** `expired` is never stored: it is what an open one reads as when its time has passed. */
type VerificationStatus =
  'needs_first_factor' | 'needs_second_factor' | 'complete' | 'failed' | 'replaced' | 'expired';

/** Wrong proofs after which a verification has failed (DECISIONS.md, All APIs 7). */
export const MAX_VERIFICATION_ATTEMPTS = 5;

/** Step-up: proving a factor once more in a live session. A session has one open verification at most. */
@Entity('verifications')
@Check('verifications_level_known', `level IN ('first_factor', 'second_factor', 'multi_factor')`)
@Check(
  'verifications_status_known',
  `status IN ('needs_first_factor', 'needs_second_factor', 'complete', 'failed', 'replaced')`,
)
@Index('verifications_one_open', ['sessionId'], {
  unique: true,
  where: `status IN ('needs_first_factor', 'needs_second_factor')`,
})
@Index('verifications_of_session', ['sessionId', 'id'])
export class Verification {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'verifications_pkey',
  })
  id: string;

  @Column('bigint', { name: 'session_id' })
  sessionId: string;

  @ManyToOne(() => Session, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'session_id', foreignKeyConstraintName: 'verifications_session_id_fkey' })
  session?: Session;

  /** The level that will be proved: asked for two factors, a user without a second one proves the first. */
  @Column('text')
  level: Level;

  @Column('text')
  status: VerificationStatus;

  /** The user's `credentialsVersion` at the start: what was sent before a change of them proves nothing. */
  @Column('integer', { name: 'credentials_version' })
  credentialsVersion: number;

  /** Wrong proofs; each is counted before it is looked at. */
  @Column('smallint', { default: 0 })
  attempts: number;

  /** The strategy last prepared or tried for the first factor. */
  @Column('text', { name: 'first_strategy', nullable: true })
  firstStrategy: Strategy | null;

  @Column('timestamp with time zone', { name: 'first_verified_at', precision: 3, nullable: true })
  firstVerifiedAt: Date | null;

  /** The strategy last prepared or tried for the second factor. */
  @Column('text', { name: 'second_strategy', nullable: true })
  secondStrategy: Strategy | null;

  @Column('timestamp with time zone', { name: 'second_verified_at', precision: 3, nullable: true })
  secondVerifiedAt: Date | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('timestamp with time zone', { name: 'expires_at', precision: 3 })
  expiresAt: Date;

  /** What its present step takes; none once it is over. No column. */
  strategies?: readonly Strategy[];

  /** The factor that it waits for; null once it is over. */
  get awaits(): Factor | null {
    if (this.status === 'needs_first_factor') return 'first';
    return this.status === 'needs_second_factor' ? 'second' : null;
  }
}
