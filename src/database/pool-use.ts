import type pg from 'pg';
import { ConnectionIsNotSetError, type DataSource } from 'typeorm';

/** The connections of a pool, and how many statements wait for one. */
export interface PoolUse {
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
}

/** How TypeORM's pool to PostgreSQL stands at this moment. */
export function poolUse(database: DataSource): PoolUse {
  const { totalCount, idleCount, waitingCount } = poolOf(database);
  return { open: totalCount, idle: idleCount, waiting: waitingCount };
}

/** TypeORM's pool itself. @throws ConnectionIsNotSetError before it is there, and after it was closed */
export function poolOf(database: DataSource): pg.Pool {
  const { master } = database.driver as unknown as { readonly master: pg.Pool | undefined };
  if (master === undefined) throw new ConnectionIsNotSetError('postgres');
  return master;
}
