import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Named shapes of JWTs that applications ask for. */
export class JwtTemplates1780000000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE jwt_templates (
        name text NOT NULL CONSTRAINT jwt_templates_pkey PRIMARY KEY,
        claims jsonb NOT NULL,
        lifetime_seconds integer NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE jwt_templates');
  }
}
