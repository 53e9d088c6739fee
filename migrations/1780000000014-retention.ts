import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far the removal of what is old has got, and what it needs not to read a whole table for each session. */
export class Retention1780000000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE retention (
        id smallint CONSTRAINT retention_pkey PRIMARY KEY CONSTRAINT retention_one_row CHECK (id = 1),
        run text,
        worked_at timestamptz(3),
        session_place bigint NOT NULL,
        finished_at timestamptz(3)
      )`);
    await runner.query('INSERT INTO retention (id, session_place) VALUES (1, 0)');
    // Each session that is removed takes its sign-in along.
    await runner.query(`
      CREATE INDEX sign_in_attempts_session_id ON sign_in_attempts (session_id) WHERE session_id IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX sign_in_attempts_session_id');
    await runner.query('DROP TABLE retention');
  }
}
