import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { User } from '../users/user.entity.js';

/** An authenticator app of a user: pending until its first code is confirmed. */
@Entity('otp_enrollments')
@Index('otp_enrollments_one_confirmed', ['userId'], { unique: true, where: 'confirmed_at IS NOT NULL' })
export class OtpEnrollment {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'otp_enrollments_pkey',
  })
  id: string;

  @Column('bigint', { name: 'user_id' })
  userId: string;

  @ManyToOne(() => User, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'otp_enrollments_user_id_fkey' })
  user?: User;

  /** The TOTP secret, AES-256-GCM under SECRET_KEY. */
  @Column('bytea', { name: 'sealed_secret' })
  sealedSecret: Buffer;

  /** The user's `credentialsVersion` when their password began it: it is not confirmed after a change of them. */
  @Column('integer', { name: 'credentials_version' })
  credentialsVersion: number;

  /** The newest 30-second step whose code was spent: no code of it or of an earlier one passes again. */
  @Column('bigint', { name: 'last_used_step', nullable: true })
  lastUsedStep: string | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('timestamp with time zone', { name: 'confirmed_at', precision: 3, nullable: true })
  confirmedAt: Date | null;
}
