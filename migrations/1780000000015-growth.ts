import type { MigrationInterface, QueryRunner } from 'typeorm';

const INDEXES = {
  // By whom a session was opened, for those who opened it themselves too: that is how it is shown and searched by.
  sessions_created_by: `sessions (coalesce(creator_id, user_id), id) WHERE status IN ('active', 'pending_otp')`,
  // Who signed in since when, and in which order.
  sessions_created_at: `sessions (created_at, id) WHERE status IN ('active', 'pending_otp')`,
  // What a change of someone's credentials ends, beside what is active.
  sessions_pending_of_user: `sessions (user_id, id) WHERE status = 'pending_otp'`,
  // Whoever closes an account looks whether it is the last of these.
  users_administrators: `users (id) WHERE status = 'active' AND '*' = ANY (rights)`,
};

/**
 * What lists of everybody's sessions, the end of all of somebody's and the closing of an account need at five million of
 * them. Built beside whatever goes on: building them at once would keep everyone from signing in for as long. No
 * transaction, therefore; what an attempt that failed left behind is dropped first.
 */
export class Growth1780000000015 implements MigrationInterface {
  readonly transaction = false;

  async up(runner: QueryRunner): Promise<void> {
    for (const [name, definition] of Object.entries(INDEXES)) {
      await runner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
      await runner.query(`CREATE INDEX CONCURRENTLY ${name} ON ${definition}`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of Object.keys(INDEXES)) await runner.query(`DROP INDEX IF EXISTS ${name}`);
  }
}
