import pg from 'pg';
import process from 'node:process';

/** As many connections as Latchkey has by default. */
export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
