import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { Browser } from './browser.entity.js';
import { Session } from './session.entity.js';

type SignInStatus = 'needs_first_factor' | 'needs_second_factor' | 'complete';

/** Signing in step by step from a browser. An identifier that nobody has is kept just like any other. */
@Entity('sign_in_attempts')
@Check('sign_in_attempts_status_known', `status IN ('needs_first_factor', 'needs_second_factor', 'complete')`)
@Index('sign_in_attempts_of_browser', ['browserId', 'id'])
@Index('sign_in_attempts_session_id', ['sessionId'], { where: 'session_id IS NOT NULL' })
export class SignInAttempt {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'sign_in_attempts_pkey',
  })
  id: string;

  @Column('bigint', { name: 'browser_id' })
  browserId: string;

  @ManyToOne(() => Browser, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'browser_id', foreignKeyConstraintName: 'sign_in_attempts_browser_id_fkey' })
  browser?: Browser;

  /** The e-mail address as it was typed. */
  @Column('text')
  identifier: string;

  /** The session that came of it: pending while the second factor is owed. */
  @Column('bigint', { name: 'session_id', nullable: true })
  sessionId: string | null;

  @ManyToOne(() => Session, { nullable: true, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'session_id', foreignKeyConstraintName: 'sign_in_attempts_session_id_fkey' })
  session?: Session;

  @Column('text')
  status: SignInStatus;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3 })
  updatedAt: Date;

  @Column('timestamp with time zone', { name: 'expires_at', precision: 3 })
  expiresAt: Date;
}
