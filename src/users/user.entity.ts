import { Check, Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** Who someone is. The password hash never leaves `users/`. */
@Entity('users')
@Unique('users_email_key_unique', ['emailKey'])
@Index('users_administrators', ['id'], { where: `status = 'active' AND '*' = ANY (rights)` })
@Check('users_status_known', `status IN ('active', 'closed')`)
export class User {
  /** A 64-bit number as its decimal string. */
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'users_pkey',
  })
  id: string;

  /** The address as it was given, after Unicode NFC. */
  @Column('text')
  email: string;

  /** What addresses are compared by: see `emailKey()` in email.ts. */
  @Column('text', { name: 'email_key' })
  emailKey: string;

  @Column('text', { name: 'first_name', nullable: true })
  firstName: string | null;

  @Column('text', { name: 'last_name', nullable: true })
  lastName: string | null;

  @Column('text', { name: 'avatar_url', nullable: true })
  avatarUrl: string | null;

  @Column('text', { name: 'phone_number', nullable: true })
  phoneNumber: string | null;

  @Column('text', { nullable: true })
  locale: string | null;

  @Column('text', { name: 'time_zone', nullable: true })
  timeZone: string | null;

  @Column('text', { default: 'active' })
  status: 'active' | 'closed';

  @Column('text', { array: true, default: '{}' })
  rights: string[];

  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash: string | null;

  /** Rises with every change of the password, the address, the second factor or the status. */
  @Column('integer', { name: 'credentials_version', default: 1 })
  credentialsVersion: number;

  @Column('boolean', { name: 'two_factor_auth', default: false })
  twoFactorAuth: boolean;

  /** What administrators note of the person: shown to them and put into their JWTs, never written by them. */
  @Column('jsonb', { default: {} })
  metadata: Record<string, unknown>;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3 })
  updatedAt: Date;
}
