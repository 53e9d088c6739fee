import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { User } from '../users/user.entity.js';

/** `pending_otp → active → ended | removed | revoked | expired | replaced` (DECISIONS.md, All APIs 6). */
type SessionStatus = 'pending_otp' | 'active' | 'ended' | 'removed' | 'revoked' | 'expired' | 'replaced';

/** Proof that someone came in. */
@Entity('sessions')
@Unique('sessions_token_hash_unique', ['tokenHash'])
@Check(
  'sessions_status_known',
  `status IN ('pending_otp', 'active', 'ended', 'removed', 'revoked', 'expired', 'replaced')`,
)
@Index('sessions_active_of_user', ['userId', 'id'], { where: `status = 'active'` })
export class Session {
  /** A 64-bit number as its decimal string. */
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'sessions_pkey',
  })
  id: string;

  @Column('bigint', { name: 'user_id' })
  userId: string;

  @ManyToOne(() => User, { nullable: false })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'sessions_user_id_fkey' })
  user?: User;

  @Column('text')
  status: SessionStatus;

  /** SHA-256 of the token; the token itself is shown once and kept nowhere. */
  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;

  @Column('boolean', { default: false })
  machine: boolean;

  @Column('boolean', { name: 'read_only', default: false })
  readOnly: boolean;

  @Column('text', { nullable: true })
  name: string | null;

  @Column('text', { nullable: true })
  note: string | null;

  @Column('text', { name: 'last_ip', nullable: true })
  lastIp: string | null;

  /** Where `last_ip` is, in words; `''` when looked up and unknown, null when not looked up. */
  @Column('text', { nullable: true })
  location: string | null;

  /** The User-Agent header of the request that opened the session, cut at 1,000 characters. */
  @Column('text', { name: 'user_agent', nullable: true })
  userAgent: string | null;

  @Column('text', { nullable: true })
  device: string | null;

  @Column('text', { nullable: true })
  platform: string | null;

  @Column('text', { nullable: true })
  browser: string | null;

  @Column('boolean', { name: 'single_sign_on', default: false })
  singleSignOn: boolean;

  /** Codes tried while pending, counted before each is looked at. */
  @Column('smallint', { name: 'otp_attempts', default: 0 })
  otpAttempts: number;

  /** When the second factor was proved in this session. */
  @Column('timestamp with time zone', { name: 'otp_verified_at', precision: 3, nullable: true })
  otpVerifiedAt: Date | null;

  /** Rises with each change, the activity stamp apart. */
  @Column('integer', { default: 1 })
  version: number;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  /** Written at most once a minute. */
  @Column('timestamp with time zone', { name: 'last_activity_at', precision: 3 })
  lastActivityAt: Date;

  /** Null means never (machine sessions that asked for no expiry). */
  @Column('timestamp with time zone', { name: 'expires_at', precision: 3, nullable: true })
  expiresAt: Date | null;

  @Column('timestamp with time zone', { name: 'ended_at', precision: 3, nullable: true })
  endedAt: Date | null;

  /** The token, while it may be shown: just minted, or the very one the request came with. No column. */
  token?: string;

  /** Active and unexpired: the only state in which its token opens anything. */
  isLive(now: Date): boolean {
    return this.status === 'active' && (this.expiresAt === null || this.expiresAt > now);
  }

  /** Waiting for the second factor, with time and tries left (DECISIONS.md, Native 4). */
  isPending(now: Date, windowSeconds: number): boolean {
    return (
      this.status === 'pending_otp' &&
      this.otpAttempts < MAX_OTP_ATTEMPTS &&
      now.getTime() < this.createdAt.getTime() + windowSeconds * 1000
    );
  }
}

/** Wrong codes after which a pending session is over (DECISIONS.md, Native 4). */
export const MAX_OTP_ATTEMPTS = 5;
