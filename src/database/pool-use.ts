import type { DataSource } from 'typeorm';

/** The connections of a pool, and how many statements wait for one. */
export interface PoolUse {
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
}

/** How TypeORM's pool to PostgreSQL stands at this moment. */
export function poolUse(database: DataSource): PoolUse {
  const { master } = database.driver as unknown as {
    master: { totalCount: number; idleCount: number; waitingCount: number };
  };
  return { open: master.totalCount, idle: master.idleCount, waiting: master.waitingCount };
}
