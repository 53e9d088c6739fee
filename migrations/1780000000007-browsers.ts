import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Browsers that hold several sessions under one credential. */
export class Browsers1780000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE browsers (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT browsers_pkey PRIMARY KEY,
        token_hash bytea NOT NULL CONSTRAINT browsers_token_hash_unique UNIQUE,
        last_active_session_id bigint,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL
      )`);
    await runner.query('CREATE INDEX browsers_expires_at ON browsers (expires_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE browsers');
  }
}
