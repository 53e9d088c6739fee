import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared.js';
import type { Session } from './session.entity.js';
import { asSession, SESSION } from './session.rows.js';

/** The columns that an INSERT writes, with their types and the row's names of them; the user is $1. */
const WRITTEN = [
  ['user_id', 'bigint', 'userId'],
  ['status', 'text', 'status'],
  ['token_hash', 'bytea', 'tokenHash'],
  ['machine', 'boolean', 'machine'],
  ['read_only', 'boolean', 'readOnly'],
  ['name', 'text', 'name'],
  ['note', 'text', 'note'],
  ['last_ip', 'text', 'lastIp'],
  ['location', 'text', 'location'],
  ['city', 'text', 'city'],
  ['country', 'text', 'country'],
  ['latitude', 'double precision', 'latitude'],
  ['longitude', 'double precision', 'longitude'],
  ['user_agent', 'text', 'userAgent'],
  ['device', 'text', 'device'],
  ['platform', 'text', 'platform'],
  ['browser', 'text', 'browser'],
  ['user_verified_at', 'timestamptz', 'userVerifiedAt'],
  ['password_verified_at', 'timestamptz', 'passwordVerifiedAt'],
  ['email_code_verified_at', 'timestamptz', 'emailCodeVerifiedAt'],
  ['sms_code_verified_at', 'timestamptz', 'smsCodeVerifiedAt'],
  ['totp_verified_at', 'timestamptz', 'totpVerifiedAt'],
  ['recovery_code_verified_at', 'timestamptz', 'recoveryCodeVerifiedAt'],
  ['first_factor_verified_at', 'timestamptz', 'firstFactorVerifiedAt'],
  ['otp_verified_at', 'timestamptz', 'secondFactorVerifiedAt'],
  ['creator_id', 'bigint', 'creatorId'],
  ['device_name', 'text', 'deviceName'],
  ['environment', 'text', 'environment'],
  ['fingerprint', 'text', 'fingerprint'],
  ['agent', 'jsonb', 'agent'],
  ['metadata', 'jsonb', 'metadata'],
  ['lifetime_seconds', 'integer', 'lifetimeSeconds'],
  ['refresh_token_hash', 'bytea', 'refreshTokenHash'],
  ['created_at', 'timestamptz', 'createdAt'],
  ['last_activity_at', 'timestamptz', 'createdAt'],
  ['changed_at', 'timestamptz', 'createdAt'],
  ['expires_at', 'timestamptz', 'expiresAt'],
] as const satisfies readonly (readonly [column: string, type: string, name: keyof Session])[];

/** What a new session is made of; what is left out is null (`metadata`: empty). */
export type SessionRow = Pick<
  Session,
  'userId' | 'status' | 'tokenHash' | 'machine' | 'readOnly' | 'createdAt' | 'expiresAt'
> &
  Partial<Pick<Session, (typeof WRITTEN)[number][2]>>;

/** The first parameter behind those of the row. */
const NEXT = WRITTEN.length + 1;

/** SQL that adds sessions: each way to open one is an INSERT under its own condition. */
@Injectable()
export class OpeningsStore {
  /**
   * Adds a session for a user whose credentials are still the ones that were checked. The user's row is locked
   * against change meanwhile, so a password change either sees this session, and ends it, or prevents it.
   */
  async open(manager: EntityManager, row: SessionRow, credentialsVersion: number): Promise<Session | null> {
    return this.insert(
      manager,
      'session_open',
      row,
      `FROM users u WHERE u.id = $1 AND u.status = 'active' AND u.credentials_version = $${NEXT} FOR SHARE OF u`,
      [credentialsVersion],
    );
  }

  /**
   * Adds a machine session, if the session it is asked for with is live and fresh (see `Session#isFresh`) at this very
   * moment, under the token that was shown. Locks the user before the session, as a change of credentials does.
   * @param provedAfter what was proved no later is not fresh
   */
  async openMachine(
    manager: EntityManager,
    row: SessionRow,
    asking: Pick<Session, 'id' | 'tokenHash'>,
    now: Date,
    provedAfter: Date,
  ): Promise<Session | null> {
    return this.insert(
      manager,
      'session_open_machine',
      row,
      `FROM sessions asking JOIN users u ON u.id = asking.user_id
       WHERE asking.id = $${NEXT} AND asking.user_id = $1 AND asking.status = 'active' AND u.status = 'active'
         AND NOT asking.machine AND NOT asking.read_only AND asking.token_hash = $${NEXT + 3}
         AND (asking.expires_at IS NULL OR asking.expires_at > $${NEXT + 1})
         AND CASE WHEN u.two_factor_auth THEN asking.otp_verified_at ELSE asking.first_factor_verified_at END
           > $${NEXT + 2}
       FOR SHARE OF u, asking`,
      [asking.id, now, provedAfter, asking.tokenHash],
    );
  }

  /** Adds a machine session for a user; for the command line. */
  async openMachineFor(manager: EntityManager, row: SessionRow): Promise<Session | null> {
    return this.insert(
      manager,
      'session_open_machine_for',
      row,
      `FROM users u WHERE u.id = $1 AND u.status = 'active' FOR SHARE OF u`,
      [],
    );
  }

  /** Adds a session that is being put together, of whomever it names; it may name nobody yet. The user has to be locked. */
  async compose(manager: EntityManager, row: SessionRow): Promise<Session> {
    const source = 'FROM (SELECT $1::bigint AS id) u';
    return (await this.insert(manager, 'session_compose', row, source, []))!;
  }

  private async insert(
    manager: EntityManager,
    name: string,
    row: SessionRow,
    source: string,
    values: readonly unknown[],
  ): Promise<Session | null> {
    const given: Partial<SessionRow> = { metadata: {}, ...row };
    const selected = WRITTEN.map(([, type], index) => (index === 0 ? 'u.id' : `$${index + 1}::${type}`));
    const rows = await prepared<Session>(
      manager,
      name,
      `INSERT INTO sessions AS s (${WRITTEN.map(([column]) => column).join(', ')})
       SELECT ${selected.join(', ')} ${source}
       RETURNING ${SESSION}`,
      [...WRITTEN.map(([, , property]) => given[property] ?? null), ...values],
    );
    return asSession(rows[0]);
  }
}
