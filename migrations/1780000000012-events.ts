import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened, and the events that the webhook has not taken yet. */
export class Events1780000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE events (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT events_pkey PRIMARY KEY,
        created_at timestamptz(3) NOT NULL,
        action text NOT NULL,
        outcome text NOT NULL CONSTRAINT events_outcome_known CHECK (outcome IN ('ok', 'refused')),
        reason text,
        user_id bigint,
        session_id bigint,
        organization_id bigint,
        actor_id bigint,
        actor_session_id bigint,
        ip text,
        name text,
        count integer,
        request_id text
      )`);
    await runner.query('CREATE INDEX events_created_at ON events (created_at, id)');
    await runner.query('CREATE INDEX events_of_user ON events (user_id, id)');
    await runner.query('CREATE INDEX events_of_session ON events (session_id, id)');
    await runner.query('CREATE INDEX events_of_actor ON events (actor_id, id)');
    await runner.query(`
      CREATE TABLE webhook_deliveries (
        event_id bigint CONSTRAINT webhook_deliveries_pkey PRIMARY KEY
          CONSTRAINT webhook_deliveries_event_id_fkey REFERENCES events (id) ON DELETE CASCADE,
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz(3) NOT NULL
      )`);
    await runner.query(
      'CREATE INDEX webhook_deliveries_next_attempt_at ON webhook_deliveries (next_attempt_at)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE webhook_deliveries');
    await runner.query('DROP TABLE events');
  }
}
