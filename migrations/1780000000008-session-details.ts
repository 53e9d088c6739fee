import type { MigrationInterface, QueryRunner } from 'typeorm';

const STAMPS = [
  'user_verified_at',
  'password_verified_at',
  'email_code_verified_at',
  'sms_code_verified_at',
  'totp_verified_at',
  'recovery_code_verified_at',
  'first_factor_verified_at',
];

/**
 * What more a session knows: when each factor was proved in it, the browser, organisation and device it belongs to,
 * its own lifetime, and what its opener said of it. One that names nobody yet is pending. Every column can be left out,
 * so that an instance of the version before goes on writing sessions meanwhile.
 */
export class SessionDetails1780000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sessions
        ALTER COLUMN user_id DROP NOT NULL,
        ADD CONSTRAINT sessions_named_once_proved CHECK (user_id IS NOT NULL OR status <> 'active'),
        ADD COLUMN changed_at timestamptz(3) NOT NULL DEFAULT now(),
        ${STAMPS.map((name) => `ADD COLUMN ${name} timestamptz(3)`).join(', ')},
        ADD COLUMN browser_id bigint
          CONSTRAINT sessions_browser_id_fkey REFERENCES browsers (id) ON DELETE SET NULL,
        ADD COLUMN organization_id bigint
          CONSTRAINT sessions_organization_id_fkey REFERENCES organizations (id) ON DELETE SET NULL,
        ADD COLUMN creator_id bigint,
        ADD COLUMN device_name text,
        ADD COLUMN environment text,
        ADD COLUMN city text,
        ADD COLUMN country text,
        ADD COLUMN latitude double precision,
        ADD COLUMN longitude double precision,
        ADD COLUMN fingerprint text,
        ADD COLUMN agent jsonb,
        ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN lifetime_seconds integer,
        ADD COLUMN refresh_token_hash bytea CONSTRAINT sessions_refresh_token_hash_unique UNIQUE`);
    await runner.query(`
      UPDATE sessions SET changed_at = coalesce(ended_at, otp_verified_at, created_at),
        user_verified_at = CASE WHEN NOT machine THEN created_at END,
        password_verified_at = CASE WHEN NOT machine THEN created_at END,
        first_factor_verified_at = CASE WHEN NOT machine THEN created_at END,
        totp_verified_at = otp_verified_at`);
    for (const name of ['browser_id', 'organization_id', 'fingerprint']) {
      await runner.query(`CREATE INDEX sessions_${name} ON sessions (${name}, id) WHERE ${name} IS NOT NULL`);
    }
    // An application opens sessions for all its users: those that are over need not be passed over each time.
    await runner.query(`
      CREATE INDEX sessions_creator_id ON sessions (creator_id, id)
        WHERE creator_id IS NOT NULL AND status IN ('active', 'pending_otp')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of ['browser_id', 'organization_id', 'creator_id', 'fingerprint']) {
      await runner.query(`DROP INDEX sessions_${name}`);
    }
    await runner.query('DELETE FROM sessions WHERE user_id IS NULL');
    await runner.query(`
      ALTER TABLE sessions DROP CONSTRAINT sessions_named_once_proved, ALTER COLUMN user_id SET NOT NULL,
        ${[
          ...STAMPS,
          'changed_at',
          'browser_id',
          'organization_id',
          'creator_id',
          'device_name',
          'environment',
          'city',
          'country',
          'latitude',
          'longitude',
          'fingerprint',
          'agent',
          'metadata',
          'lifetime_seconds',
          'refresh_token_hash',
        ]
          .map((name) => `DROP COLUMN ${name}`)
          .join(', ')}`);
  }
}
