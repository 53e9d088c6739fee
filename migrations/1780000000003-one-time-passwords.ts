import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Authenticator apps and recovery codes. A user has at most one confirmed enrollment. */
export class OneTimePasswords1780000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE otp_enrollments (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT otp_enrollments_pkey PRIMARY KEY,
        user_id bigint NOT NULL CONSTRAINT otp_enrollments_user_id_fkey REFERENCES users (id),
        sealed_secret bytea NOT NULL,
        credentials_version integer NOT NULL,
        last_used_step bigint,
        created_at timestamptz(3) NOT NULL,
        confirmed_at timestamptz(3)
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX otp_enrollments_one_confirmed ON otp_enrollments (user_id) WHERE confirmed_at IS NOT NULL`);
    await runner.query(`
      CREATE TABLE recovery_codes (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT recovery_codes_pkey PRIMARY KEY,
        enrollment_id bigint NOT NULL
          CONSTRAINT recovery_codes_enrollment_id_fkey REFERENCES otp_enrollments (id) ON DELETE CASCADE,
        code_hash text NOT NULL
      )`);
    await runner.query('CREATE INDEX recovery_codes_enrollment_id ON recovery_codes (enrollment_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE recovery_codes');
    await runner.query('DROP TABLE otp_enrollments');
  }
}
