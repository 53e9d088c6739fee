import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import type { PostgresOptions } from './data-source.js';

/** Advisory lock of this database: whoever migrates holds it. */
const MIGRATING = '19563, 3';
const OLDEST_VERSION = 13;
/** How long a migration waits for a table that someone holds. */
const LOCK_MILLISECONDS = 10_000;
/** Milliseconds between one try to reach the database and the next. */
const WAITS: readonly number[] = [250, 500, 1000, 2000, 4000, 5000, 5000, 6000, 6000];

/**
 * Waits until the database answers and opens the pool: by default up to about 30 seconds, with one line of notice.
 * @param waits milliseconds between the tries
 * @throws the last error when it never answered, or at once when waiting cannot help (wrong password, no such database)
 */
export async function waitForDatabase(
  dataSource: DataSource,
  notice: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  waits = WAITS,
): Promise<void> {
  for (let attempt = 0; !dataSource.isInitialized; attempt++) {
    try {
      await dataSource.initialize();
    } catch (error) {
      const wait = waits[attempt];
      if (wait === undefined || !isPassing(error)) throw error;
      if (attempt === 0) notice('The database does not answer yet: waiting for it');
      await sleep(wait);
    }
  }
}

/**
 * Waits for the database, runs the migrations that are pending, and leaves.
 * @param waits as for `waitForDatabase`
 * @throws what either of them throws
 */
export async function prepareDatabase(options: PostgresOptions, waits = WAITS): Promise<void> {
  const dataSource = new DataSource(options);
  try {
    await waitForDatabase(dataSource, undefined, waits);
    await adviseLimits(dataSource);
    await migrate(dataSource);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/**
 * Runs the migrations that are pending, each in a transaction of its own. Of several instances that start at once
 * one migrates and the others wait for it. Waiting for a table that someone holds ends after 10 seconds with an error.
 * @returns the names of those that ran
 * @throws Error when the server is older than PostgreSQL 13 or would lose what it acknowledged
 */
export async function migrate(dataSource: DataSource): Promise<string[]> {
  const patient = new DataSource(withoutTimeouts(dataSource.options as PostgresOptions));
  await patient.initialize();
  const runner = patient.createQueryRunner();
  try {
    await assertFit(runner);
    await takeTurn(patient.createQueryRunner());
    liftLimits(runner);
    const executor = new MigrationExecutor(patient, runner);
    executor.transaction = 'each';
    return (await executor.executePendingMigrations()).map(({ name }) => name);
  } finally {
    await runner.release();
    await patient.destroy(); // and with it the turn
  }
}

/** A migration may take as long as its tables are large; only for a lock it does not wait without end. */
function withoutTimeouts(options: PostgresOptions): PostgresOptions {
  const given = options.extra as { readonly forgetsNames?: boolean };
  const limits = given.forgetsNames ? {} : { statement_timeout: 0, lock_timeout: LOCK_MILLISECONDS };
  const extra = { ...given, ...limits, silentMilliseconds: 0 };
  return { ...options, poolSize: 2, extra };
}

/** Behind a pooler the limits are those of the role, and a transaction is all that they can be lifted for. */
function liftLimits(runner: QueryRunner): void {
  const start = runner.startTransaction.bind(runner);
  runner.startTransaction = async (isolation) => {
    await start(isolation);
    await runner.query('SET LOCAL statement_timeout = 0');
    await runner.query(`SET LOCAL lock_timeout = ${LOCK_MILLISECONDS}`);
  };
}

/**
 * Asked again and again, since one long wait would be ended by lock_timeout. The turn is held by a transaction that does
 * nothing else: a lock of the connection would be left behind in a pooler's.
 */
async function takeTurn(runner: QueryRunner): Promise<void> {
  await runner.startTransaction();
  await runner.query('SET LOCAL idle_in_transaction_session_timeout = 0');
  for (;;) {
    const [row] = (await runner.query(`SELECT pg_try_advisory_xact_lock(${MIGRATING}) AS granted`)) as {
      granted: boolean;
    }[];
    if (row?.granted) return;
    await sleep(100);
  }
}

/** Without a pooler each connection says its limits itself. */
async function adviseLimits(dataSource: DataSource): Promise<void> {
  const [row] = await dataSource.query<{ limit: string }[]>(
    `SELECT current_setting('statement_timeout') AS limit`,
  );
  if (row?.limit !== '0') return;
  process.stderr.write(
    `Statements have no time limit: ALTER ROLE … SET statement_timeout = '10s', see docs/scaling.md\n`,
  );
}

async function assertFit(runner: QueryRunner): Promise<void> {
  const [row] = (await runner.query(
    `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('synchronous_commit') AS sync`,
  )) as { version: number; sync: string }[];
  if ((row?.version ?? 0) < OLDEST_VERSION) {
    throw new Error(`Latchkey needs PostgreSQL ${OLDEST_VERSION} or newer; this server is ${row?.version}`);
  }
  if (row?.sync === 'off') {
    throw new Error(
      'synchronous_commit is off: a crash would forget revocations that were answered. Turn it on for this database',
    );
  }
}

/** Whether an error can pass by waiting: nobody listens, the name is not known yet, the server is starting. */
function isPassing(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (
    [
      'ECONNREFUSED',
      'ECONNRESET',
      'ENOTFOUND',
      'EAI_AGAIN',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      '57P03',
      '53300',
    ].includes(code ?? '') || /^(timeout |connection terminated|query read timeout)/i.test(message ?? '')
  );
}
