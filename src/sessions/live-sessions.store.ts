import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { prepared } from '../database/prepared.js';
import { LIVE } from './session.rows.js';

/** Rows that are read for a count at most, about. */
const SAMPLED_ROWS = 100_000;

/** SQL that tells how many sessions are live. */
@Injectable()
export class LiveSessionsStore {
  constructor(private readonly database: DataSource) {}

  /** Exact in a small table; in a large one an estimate from a sample of its blocks, since counting all takes seconds. */
  async count(now: Date): Promise<number> {
    const [table] = await prepared<{ rows: number }>(
      this.database,
      'sessions_size',
      `SELECT reltuples AS rows FROM pg_class WHERE oid = 'sessions'::regclass`,
      [],
    );
    const percent = Math.min(100, (100 * SAMPLED_ROWS) / Math.max(1, table?.rows ?? 1));
    const [sample] = await prepared<{ live: string }>(
      this.database,
      'sessions_live_in_sample',
      `SELECT count(*) AS live FROM sessions s TABLESAMPLE SYSTEM ($2) WHERE ${LIVE}`,
      [now, percent],
    );
    return Math.round((Number(sample?.live) * 100) / percent);
  }
}
