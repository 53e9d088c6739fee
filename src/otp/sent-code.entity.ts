import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { Channel } from '../delivery/messenger.js';
import { User } from '../users/user.entity.js';

/** A code that was sent, for one purpose; sending another for it takes its place. Gone once spent. */
@Entity('sent_codes')
@Unique('sent_codes_one_for_purpose', ['purpose', 'channel'])
@Check('sent_codes_channel_known', `channel IN ('sms', 'email')`)
@Index('sent_codes_expires_at', ['expiresAt'])
export class SentCode {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'sent_codes_pkey',
  })
  id: string;

  @Column('bigint', { name: 'user_id' })
  userId: string;

  @ManyToOne(() => User, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'sent_codes_user_id_fkey' })
  user?: User;

  /** What it proves and nothing else, e.g. `verification 17`. */
  @Column('text')
  purpose: string;

  @Column('text')
  channel: Channel;

  /** The user's `credentialsVersion` when it was sent: after a change of them it proves nothing. */
  @Column('integer', { name: 'credentials_version' })
  credentialsVersion: number;

  /** HMAC-SHA-256 of user, purpose and code under a key made from SECRET_KEY. */
  @Column('bytea', { name: 'code_hash' })
  codeHash: Buffer;

  /** Codes tried for this purpose, counted before each is looked at; sending another does not reset it. */
  @Column('smallint', { default: 0 })
  attempts: number;

  @Column('timestamp with time zone', { name: 'sent_at', precision: 3 })
  sentAt: Date;

  @Column('timestamp with time zone', { name: 'expires_at', precision: 3 })
  expiresAt: Date;
}
