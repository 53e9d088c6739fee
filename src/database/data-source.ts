import type { DataSourceOptions } from 'typeorm';
import { ImpatientClient } from './impatient-client.js';

/** What TypeORM takes to speak to PostgreSQL. */
export type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/** Milliseconds a connection may take to be had, and a statement to run, before the request is told to come back. */
const CONNECT_MILLISECONDS = 3_000;
const STATEMENT_MILLISECONDS = 10_000;

/**
 * How TypeORM speaks to PostgreSQL: nothing waits without end, nothing is logged (parameters hold hashes and
 * addresses), no schema is ever synchronised, and a connection that breaks does not end the process.
 * @param url with the password
 * @param poolSize connections at most
 */
export function dataSourceOptions(
  url: string,
  poolSize: number,
  extras: Pick<PostgresOptions, 'entities' | 'migrations'>,
): PostgresOptions {
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
      statement_timeout: STATEMENT_MILLISECONDS,
      lock_timeout: STATEMENT_MILLISECONDS / 2,
      idle_in_transaction_session_timeout: 2 * STATEMENT_MILLISECONDS,
      // Beyond the server's own limit: only for a server that does not answer at all.
      query_timeout: STATEMENT_MILLISECONDS + 2_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    },
  };
}
