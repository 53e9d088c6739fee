import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Organisations and who belongs to them in which role; what administrators note of a user. */
export class Organizations1780000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE users ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}'`);
    await runner.query(`
      CREATE TABLE organizations (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT organizations_pkey PRIMARY KEY,
        name text NOT NULL,
        slug text NOT NULL CONSTRAINT organizations_slug_unique UNIQUE,
        metadata jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE memberships (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT memberships_pkey PRIMARY KEY,
        organization_id bigint NOT NULL
          CONSTRAINT memberships_organization_id_fkey REFERENCES organizations (id) ON DELETE CASCADE,
        user_id bigint NOT NULL CONSTRAINT memberships_user_id_fkey REFERENCES users (id),
        role text NOT NULL,
        created_at timestamptz(3) NOT NULL,
        updated_at timestamptz(3) NOT NULL,
        CONSTRAINT memberships_user_once UNIQUE (user_id, organization_id)
      )`);
    await runner.query('CREATE INDEX memberships_organization_id ON memberships (organization_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE memberships');
    await runner.query('DROP TABLE organizations');
    await runner.query('ALTER TABLE users DROP COLUMN metadata');
  }
}
