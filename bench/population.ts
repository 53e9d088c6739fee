import { createHash } from 'node:crypto';
import type { BenchedPostgres } from './postgres.js';

/** How many sessions a bench has unless it says otherwise: 3,334 users with 30 each. */
const USERS = 3_334;
const SESSIONS_OF_EACH = 30;
/** Requests come from so many of them, in turn. */
const IN_ROTATION = 64;

const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const PLACE = { ip: '127.0.0.1', userAgent: USER_AGENT };

/** The tokens of 64 of the sessions that were loaded, of as many users, in the form that Latchkey mints. */
export function tokensInRotation(users = USERS, sessionsOfEach = SESSIONS_OF_EACH): string[] {
  return Array.from({ length: IN_ROTATION }, (_, at) => {
    const user = Math.floor((at * users) / IN_ROTATION);
    return tokenOf(user * sessionsOfEach + 1);
  });
}

/** The token of the n-th session that was loaded, counted from 1; session n is of user ceil(n / sessions of each). */
export function tokenOf(session: number): string {
  const digest = createHash('md5').update(`session ${session}`).digest('hex');
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The address of the n-th user that was loaded, counted from 1. */
export function emailOf(user: number): string {
  return `person-${user}@example.com`;
}

/** Loads users and their live sessions into a database that Latchkey has brought up to date. */
export async function loadSessions(
  postgres: BenchedPostgres,
  database: string,
  { users = USERS, sessionsOfEach = SESSIONS_OF_EACH, passwordHash = null as string | null } = {},
): Promise<void> {
  await postgres.query(
    database,
    `INSERT INTO users (email, email_key, first_name, last_name, time_zone, password_hash, created_at, updated_at)
     SELECT 'person-' || n || '@example.com', 'person-' || n || '@example.com', 'Person', 'Number ' || n,
       'Europe/Berlin', $2, now(), now()
     FROM generate_series(1, $1::int) n`,
    [users, passwordHash],
  );
  await postgres.query(
    database,
    `INSERT INTO sessions (user_id, status, token_hash, last_ip, user_agent, device, platform, browser,
       user_verified_at, password_verified_at, first_factor_verified_at, created_at, last_activity_at, expires_at)
     SELECT u.id, 'active', sha256(convert_to(md5('session ' || n)::uuid::text, 'UTF8')), $3, $4, 'desktop', 'Linux',
       'Chrome', now(), now(), now(), now(), now(), now() + interval '14 days'
     FROM generate_series(1, $1::int * $2::int) n JOIN users u ON u.email_key = 'person-' || (n - 1) / $2 + 1 || '@example.com'
     ORDER BY n`,
    [users, sessionsOfEach, PLACE.ip, PLACE.userAgent],
  );
  await settle(postgres, database);
}

/** Loads as many sessions into the table of connect-pg-simple; a session's id is its token. */
export async function loadExpressSessions(postgres: BenchedPostgres, database: string): Promise<void> {
  await postgres.query(
    database,
    `INSERT INTO session (sid, sess, expire)
     SELECT md5('session ' || n)::uuid::text, json_build_object(
         'cookie', json_build_object('originalMaxAge', 1209600000, 'expires', now() + interval '14 days',
           'httpOnly', true, 'path', '/'),
         'session', json_build_object('id', n, 'name', null, 'note', null, 'last_ip', $2::text, 'location', null,
           'device', 'desktop', 'platform', 'Linux', 'browser', 'Chrome', 'machine', false, 'read_only', false,
           'last_activity_at', now(), 'token_expires_at', now() + interval '14 days', 'two_factor_auth', false),
         'user', json_build_object('id', (n - 1) / $3 + 1, 'email', 'person-' || (n - 1) / $3 + 1 || '@example.com',
           'first_name', 'Person', 'last_name', 'Number ' || (n - 1) / $3 + 1, 'time_zone', 'Europe/Berlin',
           'status', 'active', 'rights', json_build_array())),
       now() + interval '14 days'
     FROM generate_series(1, $1::int) n`,
    [USERS * SESSIONS_OF_EACH, PLACE.ip, SESSIONS_OF_EACH],
  );
  await settle(postgres, database);
}

/** Loads as many users and sessions into the tables of better-auth, under the same tokens. */
export async function loadBetterAuth(postgres: BenchedPostgres, database: string): Promise<void> {
  await postgres.query(
    database,
    `INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
     SELECT 'user-' || n, 'Person Number ' || n, 'person-' || n || '@example.com', true, now(), now()
     FROM generate_series(1, $1::int) n`,
    [USERS],
  );
  await postgres.query(
    database,
    `INSERT INTO session (id, token, "userId", "ipAddress", "userAgent", "createdAt", "updatedAt", "expiresAt")
     SELECT 'session-' || n, md5('session ' || n)::uuid::text, 'user-' || (n - 1) / $2 + 1, $3, $4, now(), now(),
       now() + interval '7 days'
     FROM generate_series(1, $1::int) n`,
    [USERS * SESSIONS_OF_EACH, SESSIONS_OF_EACH, PLACE.ip, PLACE.userAgent],
  );
  await settle(postgres, database);
}

/** Leaves nothing of the load to be done while something is measured. */
async function settle(postgres: BenchedPostgres, database: string): Promise<void> {
  for (const statement of ['VACUUM ANALYZE', 'CHECKPOINT']) await postgres.query(database, statement);
}
