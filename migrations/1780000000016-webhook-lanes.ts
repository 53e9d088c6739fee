import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Deliveries of refusals apart from those of acts that were done, so that neither wait behind the others. What waits by
 * now, and what an instance of the version before adds, counts as done; its index is left to that version. The index
 * is built beside whatever goes on. No transaction, therefore; what an attempt that failed left behind is made anew.
 */
export class WebhookLanes1780000000016 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE webhook_deliveries ADD COLUMN IF NOT EXISTS refused boolean NOT NULL DEFAULT false`);
    await runner.query('DROP INDEX CONCURRENTLY IF EXISTS webhook_deliveries_in_line');
    await runner.query(`
      CREATE INDEX CONCURRENTLY webhook_deliveries_in_line
      ON webhook_deliveries (refused, next_attempt_at, event_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX IF EXISTS webhook_deliveries_in_line');
    await runner.query('ALTER TABLE webhook_deliveries DROP COLUMN IF EXISTS refused');
  }
}
