import type { DataSourceOptions } from 'typeorm';
import { ImpatientClient } from './impatient-client.js';

/** What TypeORM takes to speak to PostgreSQL. */
export type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/** Milliseconds a connection may take to be had, and a statement to run, before the request is told to come back. */
const CONNECT_MILLISECONDS = 3_000;
const STATEMENT_MILLISECONDS = 10_000;

/** How statements are prepared: under names, or without (DATABASE_STATEMENTS). */
export type Statements = 'named' | 'unnamed';

/**
 * How TypeORM speaks to PostgreSQL: nothing waits without end, nothing is logged (parameters hold hashes and
 * addresses), no schema is ever synchronised, and a connection that breaks does not end the process.
 * @param url with the password
 * @param poolSize connections at most
 * @param statements `unnamed` for a pooler that hands each transaction another connection: nothing is kept on one, and
 *   the limits of the server have to be set for the role (docs/scaling.md)
 */
export function dataSourceOptions(
  url: string,
  poolSize: number,
  extras: Pick<PostgresOptions, 'entities' | 'migrations'>,
  statements: Statements = 'named',
): PostgresOptions {
  const serverLimits = {
    statement_timeout: STATEMENT_MILLISECONDS,
    lock_timeout: STATEMENT_MILLISECONDS / 2,
    idle_in_transaction_session_timeout: 2 * STATEMENT_MILLISECONDS,
  };
  return {
    type: 'postgres',
    url,
    ...extras,
    poolSize,
    synchronize: false,
    migrationsRun: false,
    logging: false,
    installExtensions: false,
    // A condition that is missing by mistake must not turn "one row" into "every row".
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    poolErrorHandler: () => undefined, // the pool has dropped the connection and opens another on demand
    extra: {
      Client: ImpatientClient,
      application_name: 'latchkey',
      connectionTimeoutMillis: CONNECT_MILLISECONDS,
      // Said when a connection is opened, which PgBouncer refuses: the connection is everybody's.
      ...(statements === 'named' ? serverLimits : { forgetsNames: true }),
      // Beyond the server's own limit: only for a server that does not answer at all.
      silentMilliseconds: STATEMENT_MILLISECONDS + 2_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    },
  };
}
