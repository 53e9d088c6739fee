import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Proof that someone came in. fillfactor leaves room for the activity stamp to be a heap-only update. */
export class Sessions1780000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sessions (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sessions_pkey PRIMARY KEY,
        user_id bigint NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users (id),
        status text NOT NULL CONSTRAINT sessions_status_known
          CHECK (status IN ('pending_otp', 'active', 'ended', 'removed', 'revoked', 'expired', 'replaced')),
        token_hash bytea NOT NULL CONSTRAINT sessions_token_hash_unique UNIQUE,
        machine boolean NOT NULL DEFAULT false,
        read_only boolean NOT NULL DEFAULT false,
        name text,
        note text,
        last_ip text,
        location text,
        user_agent text,
        device text,
        platform text,
        browser text,
        single_sign_on boolean NOT NULL DEFAULT false,
        otp_attempts smallint NOT NULL DEFAULT 0,
        otp_verified_at timestamptz(3),
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz(3) NOT NULL,
        last_activity_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3),
        ended_at timestamptz(3)
      ) WITH (fillfactor = 85)`);
    await runner.query(
      `CREATE INDEX sessions_active_of_user ON sessions (user_id, id) WHERE status = 'active'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sessions');
  }
}
