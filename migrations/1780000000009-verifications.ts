import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Step-up: what is being proved once more in a session, the codes that were sent, and when that was. */
export class Verifications1780000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE verifications (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT verifications_pkey PRIMARY KEY,
        session_id bigint NOT NULL
          CONSTRAINT verifications_session_id_fkey REFERENCES sessions (id) ON DELETE CASCADE,
        level text NOT NULL CONSTRAINT verifications_level_known
          CHECK (level IN ('first_factor', 'second_factor', 'multi_factor')),
        status text NOT NULL CONSTRAINT verifications_status_known
          CHECK (status IN ('needs_first_factor', 'needs_second_factor', 'complete', 'failed', 'replaced')),
        credentials_version integer NOT NULL,
        attempts smallint NOT NULL DEFAULT 0,
        first_strategy text,
        first_verified_at timestamptz(3),
        second_strategy text,
        second_verified_at timestamptz(3),
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX verifications_one_open ON verifications (session_id)
        WHERE status IN ('needs_first_factor', 'needs_second_factor')`);
    await runner.query('CREATE INDEX verifications_of_session ON verifications (session_id, id)');
    await runner.query(`
      CREATE TABLE sent_codes (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sent_codes_pkey PRIMARY KEY,
        user_id bigint NOT NULL CONSTRAINT sent_codes_user_id_fkey REFERENCES users (id),
        purpose text NOT NULL,
        channel text NOT NULL CONSTRAINT sent_codes_channel_known CHECK (channel IN ('sms', 'email')),
        credentials_version integer NOT NULL,
        code_hash bytea NOT NULL,
        attempts smallint NOT NULL DEFAULT 0,
        sent_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT sent_codes_one_for_purpose UNIQUE (purpose, channel)
      )`);
    await runner.query('CREATE INDEX sent_codes_expires_at ON sent_codes (expires_at)');
    await runner.query(`
      CREATE TABLE code_sendings (
        user_id bigint NOT NULL CONSTRAINT code_sendings_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
        channel text NOT NULL CONSTRAINT code_sendings_channel_known CHECK (channel IN ('sms', 'email')),
        sent_at timestamptz[] NOT NULL,
        CONSTRAINT code_sendings_pkey PRIMARY KEY (user_id, channel)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE code_sendings');
    await runner.query('DROP TABLE sent_codes');
    await runner.query('DROP TABLE verifications');
  }
}
