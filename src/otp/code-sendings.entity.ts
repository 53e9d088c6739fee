import { Check, Column, Entity, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import type { Channel } from '../delivery/messenger.js';
import { User } from '../users/user.entity.js';

/** When codes were sent to a user by one channel within the last hour, so that only so many are. */
@Entity('code_sendings')
@Check('code_sendings_channel_known', `channel IN ('sms', 'email')`)
export class CodeSendings {
  @PrimaryColumn('bigint', { name: 'user_id', primaryKeyConstraintName: 'code_sendings_pkey' })
  userId: string;

  @ManyToOne(() => User, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'code_sendings_user_id_fkey' })
  user?: User;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'code_sendings_pkey' })
  channel: Channel;

  @Column('timestamp with time zone', { name: 'sent_at', array: true })
  sentAt: Date[];
}
