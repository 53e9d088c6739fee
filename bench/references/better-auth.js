import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import process from 'node:process';
import { pool } from './database.js';
import { listen } from './listen.js';

/*
 * better-auth's `get-session` on node:http, with its defaults in production, but without its rate limit, its telemetry
 * and https. JOINS=true lets it read the session and its user in one statement, CACHE=true keeps the session in a
 * cookie (for as long as the bench runs), where a revocation is not seen.
 */

const options = {
  database: pool,
  baseURL: 'http://127.0.0.1',
  secret: process.env.SECRET,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  session: { cookieCache: { enabled: process.env.CACHE === 'true', maxAge: 86_400 } },
  experimental: { joins: process.env.JOINS === 'true' },
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
listen(toNodeHandler(betterAuth(options)));
