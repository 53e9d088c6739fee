import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { prepared } from '../database/prepared.js';
import { LIVE } from './session.rows.js';

/** What is read of the table for a count at most, about: some 100,000 rows. */
const SAMPLED_BYTES = 40_000_000;

/** SQL that tells how many sessions are live. */
@Injectable()
export class LiveSessionsStore {
  constructor(private readonly database: DataSource) {}

  /** Exact in a small table; in a large one an estimate from a sample of its blocks, since counting all takes seconds. */
  async count(now: Date): Promise<number> {
    const [table] = await prepared<{ bytes: string }>(
      this.database,
      'sessions_size',
      // By its files: how many rows it has, PostgreSQL may have learned long ago, or never.
      `SELECT pg_relation_size('sessions') AS bytes`,
      [],
    );
    const percent = Math.min(100, (100 * SAMPLED_BYTES) / Math.max(1, Number(table?.bytes)));
    const [sample] = await prepared<{ live: string }>(
      this.database,
      'sessions_live_in_sample',
      `SELECT count(*) AS live FROM sessions s TABLESAMPLE SYSTEM ($2) WHERE ${LIVE}`,
      [now, percent],
    );
    return Math.round((Number(sample?.live) * 100) / percent);
  }
}
