import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Signing in step by step from a browser: an identifier first, then its proofs. */
export class SignInAttempts1780000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sign_in_attempts (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sign_in_attempts_pkey PRIMARY KEY,
        browser_id bigint NOT NULL CONSTRAINT sign_in_attempts_browser_id_fkey REFERENCES browsers (id) ON DELETE CASCADE,
        identifier text NOT NULL,
        session_id bigint CONSTRAINT sign_in_attempts_session_id_fkey REFERENCES sessions (id) ON DELETE CASCADE,
        status text NOT NULL CONSTRAINT sign_in_attempts_status_known
          CHECK (status IN ('needs_first_factor', 'needs_second_factor', 'complete')),
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL
      )`);
    await runner.query('CREATE INDEX sign_in_attempts_of_browser ON sign_in_attempts (browser_id, id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sign_in_attempts');
  }
}
