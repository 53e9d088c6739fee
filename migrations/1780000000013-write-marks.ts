import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How many acts of a session were answered, so that a replica can show whether it knows of them. The default costs no
 * rewrite of the table, and an instance of the version before goes on working without it.
 */
export class WriteMarks1780000000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE sessions ADD COLUMN write_mark bigint NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE sessions DROP COLUMN write_mark');
  }
}
