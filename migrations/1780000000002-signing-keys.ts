import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The keys that sign JWTs; the private half is sealed under SECRET_KEY. */
export class SigningKeys1780000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE signing_keys (
        kid text CONSTRAINT signing_keys_pkey PRIMARY KEY,
        algorithm text NOT NULL,
        public_jwk jsonb NOT NULL,
        sealed_private_key bytea NOT NULL,
        created_at timestamptz(3) NOT NULL,
        signs_from timestamptz(3) NOT NULL,
        retires_at timestamptz(3)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE signing_keys');
  }
}
