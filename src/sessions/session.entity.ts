import { Check, Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { Organization } from '../users/organization.entity.js';
import { User } from '../users/user.entity.js';
import { Browser } from './browser.entity.js';

/** `pending_otp → active → ended | removed | revoked | expired | replaced` (DECISIONS.md, All APIs 6). */
type SessionStatus = 'pending_otp' | 'active' | 'ended' | 'removed' | 'revoked' | 'expired' | 'replaced';

/** What whoever opens a session for somebody says of that person's agent; header names in lower case. */
export interface Agent {
  readonly ip?: string;
  readonly description?: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

/** Seconds for which a proof is a fresh one (DECISIONS.md, Lendix). */
export const FRESH_SECONDS = 3_600;

/** Proof that someone came in. */
@Entity('sessions')
@Unique('sessions_token_hash_unique', ['tokenHash'])
@Check(
  'sessions_status_known',
  `status IN ('pending_otp', 'active', 'ended', 'removed', 'revoked', 'expired', 'replaced')`,
)
@Check('sessions_named_once_proved', `user_id IS NOT NULL OR status <> 'active'`)
@Unique('sessions_refresh_token_hash_unique', ['refreshTokenHash'])
@Index('sessions_active_of_user', ['userId', 'id'], { where: `status = 'active'` })
@Index('sessions_pending_of_user', ['userId', 'id'], { where: `status = 'pending_otp'` })
@Index('sessions_browser_id', ['browserId', 'id'], { where: 'browser_id IS NOT NULL' })
@Index('sessions_organization_id', ['organizationId', 'id'], { where: 'organization_id IS NOT NULL' })
@Index('sessions_creator_id', ['creatorId', 'id'], {
  where: `creator_id IS NOT NULL AND status IN ('active', 'pending_otp')`,
})
@Index('sessions_created_at', ['createdAt', 'id'], { where: `status IN ('active', 'pending_otp')` })
@Index('sessions_created_by', { synchronize: false }) // of an expression: see the migration
@Index('sessions_fingerprint', ['fingerprint', 'id'], { where: 'fingerprint IS NOT NULL' })
export class Session {
  /** A 64-bit number as its decimal string. */
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'sessions_pkey',
  })
  id: string;

  /** Null only while it is pending and names nobody yet: only composed-sessions.store.ts reads such a row. */
  @Column('bigint', { name: 'user_id', nullable: true })
  userId: string;

  @ManyToOne(() => User, { nullable: true })
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

  /** When it was last established whose session this is. */
  @Column('timestamp with time zone', { name: 'user_verified_at', precision: 3, nullable: true })
  userVerifiedAt: Date | null;

  /** When each factor was last proved in this session; null for never. */
  @Column('timestamp with time zone', { name: 'password_verified_at', precision: 3, nullable: true })
  passwordVerifiedAt: Date | null;

  @Column('timestamp with time zone', { name: 'email_code_verified_at', precision: 3, nullable: true })
  emailCodeVerifiedAt: Date | null;

  @Column('timestamp with time zone', { name: 'sms_code_verified_at', precision: 3, nullable: true })
  smsCodeVerifiedAt: Date | null;

  @Column('timestamp with time zone', { name: 'totp_verified_at', precision: 3, nullable: true })
  totpVerifiedAt: Date | null;

  @Column('timestamp with time zone', { name: 'recovery_code_verified_at', precision: 3, nullable: true })
  recoveryCodeVerifiedAt: Date | null;

  /** When a factor was last proved as the first one. */
  @Column('timestamp with time zone', { name: 'first_factor_verified_at', precision: 3, nullable: true })
  firstFactorVerifiedAt: Date | null;

  /** When a factor was last proved as the second one. */
  @Column('timestamp with time zone', { name: 'otp_verified_at', precision: 3, nullable: true })
  secondFactorVerifiedAt: Date | null;

  /** The browser that holds it, when one does. */
  @Column('bigint', { name: 'browser_id', nullable: true })
  browserId: string | null;

  @ManyToOne(() => Browser, { nullable: true, onDelete: 'SET NULL' })
  @JoinColumn({ name: 'browser_id', foreignKeyConstraintName: 'sessions_browser_id_fkey' })
  holder?: Browser;

  /** The organisation it acts for at present. */
  @Column('bigint', { name: 'organization_id', nullable: true })
  organizationId: string | null;

  @ManyToOne(() => Organization, { nullable: true, onDelete: 'SET NULL' })
  @JoinColumn({ name: 'organization_id', foreignKeyConstraintName: 'sessions_organization_id_fkey' })
  organization?: Organization;

  /** The user who opened it for somebody else; null when they opened it themselves. */
  @Column('bigint', { name: 'creator_id', nullable: true })
  creatorId: string | null;

  /** The device, as whoever signed in calls it. */
  @Column('text', { name: 'device_name', nullable: true })
  deviceName: string | null;

  /** The kind of place that device works in, e.g. `CashRegister`. */
  @Column('text', { nullable: true })
  environment: string | null;

  /** Where `last_ip` is: the parts of `location`, and WGS 84 degrees. */
  @Column('text', { nullable: true })
  city: string | null;

  @Column('text', { nullable: true })
  country: string | null;

  @Column('double precision', { nullable: true })
  latitude: number | null;

  @Column('double precision', { nullable: true })
  longitude: number | null;

  /** What tells the user's agent from others, as whoever opened the session says. */
  @Column('text', { nullable: true })
  fingerprint: string | null;

  /** What else they say of the user's agent. */
  @Column('jsonb', { nullable: true })
  agent: Agent | null;

  /** Facts that whoever opened it keeps with it. */
  @Column('jsonb', { default: {} })
  metadata: Record<string, string>;

  /** How long it lives from its opening, or from its last renewal on; null for one that slides with its use. */
  @Column('integer', { name: 'lifetime_seconds', nullable: true })
  lifetimeSeconds: number | null;

  /** SHA-256 of the token that renews it, when it has one. */
  @Column('bytea', { name: 'refresh_token_hash', nullable: true })
  refreshTokenHash: Buffer | null;

  /** Rises with each change, the activity stamp apart. */
  @Column('integer', { default: 1 })
  version: number;

  /** Rises after acts of this session, before they are answered: a replica that shows it shows them (database/replica.ts). */
  @Column('bigint', { name: 'write_mark', default: 0 })
  writeMark: string;

  /** When `version` last rose. */
  @Column('timestamp with time zone', { name: 'changed_at', precision: 3, default: () => 'now()' })
  changedAt: Date;

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

  /** The token that renews it, just minted. No column. */
  refreshToken?: string;

  /** Until when it is secured: an hour from the last code that was proved in it (lendix.txt); null for never. */
  securedUntil(this: ProvedByCode): Date | null {
    const codes = [
      this.emailCodeVerifiedAt,
      this.smsCodeVerifiedAt,
      this.totpVerifiedAt,
      this.recoveryCodeVerifiedAt,
    ].filter((at) => at !== null);
    const last = Math.max(...codes.map((at) => at.getTime()));
    return codes.length === 0 ? null : new Date(last + FRESH_SECONDS * 1000);
  }

  /** Whether a code was proved in it within the hour. */
  isSecured(this: ProvedByCode & Pick<Session, 'securedUntil'>, now: Date): boolean {
    const until = this.securedUntil();
    return until !== null && now < until;
  }

  /**
   * Whether its user proved themselves in it within the hour, with the second factor if they have one: what a
   * lasting credential is given out for.
   */
  isFresh(now: Date, twoFactorAuth: boolean): boolean {
    const provedAt = twoFactorAuth ? this.secondFactorVerifiedAt : this.firstFactorVerifiedAt;
    return provedAt !== null && now.getTime() < provedAt.getTime() + FRESH_SECONDS * 1000;
  }

  /** Active and unexpired: the only state in which its token opens anything. */
  isLive(this: Pick<Session, 'status' | 'expiresAt'>, now: Date): boolean {
    return this.status === 'active' && (this.expiresAt === null || this.expiresAt > now);
  }

  /** Waiting for the second factor, with time and tries left (DECISIONS.md, Native 4). */
  isPending(
    this: Pick<Session, 'status' | 'otpAttempts' | 'createdAt'>,
    now: Date,
    windowSeconds: number,
  ): boolean {
    return (
      this.status === 'pending_otp' &&
      this.otpAttempts < MAX_OTP_ATTEMPTS &&
      now.getTime() < this.createdAt.getTime() + windowSeconds * 1000
    );
  }
}

/** When each kind of code was last proved. */
type ProvedByCode = Pick<
  Session,
  'emailCodeVerifiedAt' | 'smsCodeVerifiedAt' | 'totpVerifiedAt' | 'recoveryCodeVerifiedAt'
>;

/** Wrong codes after which a pending session is over (DECISIONS.md, Native 4). */
export const MAX_OTP_ATTEMPTS = 5;
