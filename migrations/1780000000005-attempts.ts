import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Failed sign-ins and codes, counted by rate-limiter-flexible; unlogged would lose counts in a crash. */
export class Attempts1780000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE attempts (
        key varchar(255) CONSTRAINT attempts_pkey PRIMARY KEY,
        points integer NOT NULL DEFAULT 0,
        expire bigint
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE attempts');
  }
}
