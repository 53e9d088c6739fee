import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { OtpEnrollment } from './otp-enrollment.entity.js';

/** One unspent recovery code, under bcrypt; spending it deletes the row. */
@Entity('recovery_codes')
@Index('recovery_codes_enrollment_id', ['enrollmentId'])
export class RecoveryCode {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'recovery_codes_pkey',
  })
  id: string;

  @Column('bigint', { name: 'enrollment_id' })
  enrollmentId: string;

  @ManyToOne(() => OtpEnrollment, { nullable: false, onDelete: 'CASCADE' })
  @JoinColumn({ name: 'enrollment_id', foreignKeyConstraintName: 'recovery_codes_enrollment_id_fkey' })
  enrollment?: OtpEnrollment;

  @Column('text', { name: 'code_hash' })
  codeHash: string;
}
