import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who someone is: address, profile, rights, password hash. */
export class Users1780000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE users (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT users_pkey PRIMARY KEY,
        email text NOT NULL,
        email_key text NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
        first_name text,
        last_name text,
        avatar_url text,
        phone_number text,
        locale text,
        time_zone text,
        status text NOT NULL DEFAULT 'active' CONSTRAINT users_status_known CHECK (status IN ('active', 'closed')),
        rights text[] NOT NULL DEFAULT '{}',
        password_hash text,
        credentials_version integer NOT NULL DEFAULT 1,
        two_factor_auth boolean NOT NULL DEFAULT false,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE users');
  }
}
