import { createHash } from 'node:crypto';
import type { BenchedPostgres } from './postgres.js';

/** How many there are. Of two users the first has 30 sessions, which is one page, and the second 60. */
const USERS = 2_224;
const [PAGEFUL, MORE] = [30, 60] as const;
const SESSIONS = (USERS / 2) * (PAGEFUL + MORE);
/** In SQL: whose the n-th session is. */
const USER_OF_N = `((n - 1) / ${PAGEFUL + MORE} * 2 + CASE WHEN (n - 1) % ${PAGEFUL + MORE} < ${PAGEFUL} THEN 1 ELSE 2 END)`;
/** Requests come from so many of them, in turn. */
const IN_ROTATION = 64;

const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const PLACE = { ip: '127.0.0.1', userAgent: USER_AGENT };

/** The n-th users, counted from 1, of 64 that requests come from; each has 30 sessions, or 60. */
export function usersInRotation(sessionsOfEach: 30 | 60 = PAGEFUL): number[] {
  const first = sessionsOfEach === PAGEFUL ? 1 : 2;
  return Array.from(
    { length: IN_ROTATION },
    (_, at) => first + 2 * Math.floor((at * USERS) / 2 / IN_ROTATION),
  );
}

/** The tokens of the first sessions of these users, in the form that Latchkey mints. */
export function tokensInRotation(sessionsOfEach: 30 | 60 = PAGEFUL): string[] {
  return usersInRotation(sessionsOfEach).map((user) => {
    const before = Math.floor((user - 1) / 2) * (PAGEFUL + MORE) + (user % 2 === 1 ? 0 : PAGEFUL);
    return tokenOf(before + 1);
  });
}

/** The token of the n-th session, counted from 1. */
function tokenOf(session: number): string {
  const digest = createHash('md5').update(`session ${session}`).digest('hex');
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The address of the n-th user that was loaded, counted from 1. */
export function emailOf(user: number): string {
  return `person-${user}@example.com`;
}

/**
 * Loads 100,080 live sessions of 2,224 users into a database that Latchkey has brought up to date.
 * @param passwordHash of all of them
 */
export async function loadSessions(
  postgres: BenchedPostgres,
  database: string,
  passwordHash: string | null = null,
): Promise<void> {
  await postgres.query(
    database,
    `INSERT INTO users (email, email_key, first_name, last_name, time_zone, password_hash, created_at, updated_at)
     SELECT 'person-' || n || '@example.com', 'person-' || n || '@example.com', 'Person', 'Number ' || n,
       'Europe/Berlin', $2, now(), now()
     FROM generate_series(1, $1::int) n`,
    [USERS, passwordHash],
  );
  await postgres.query(
    database,
    `INSERT INTO sessions (user_id, status, token_hash, last_ip, user_agent, device, platform, browser,
       user_verified_at, password_verified_at, first_factor_verified_at, created_at, last_activity_at, expires_at)
     SELECT u.id, 'active', sha256(convert_to(md5('session ' || n)::uuid::text, 'UTF8')), $2, $3, 'desktop', 'Linux',
       'Chrome', now(), now(), now(), now(), now(), now() + interval '14 days'
     FROM generate_series(1, $1::int) n JOIN users u ON u.email_key = 'person-' || ${USER_OF_N} || '@example.com'
     ORDER BY n`,
    [SESSIONS, PLACE.ip, PLACE.userAgent],
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
         'user', json_build_object('id', ${USER_OF_N}, 'email', 'person-' || ${USER_OF_N} || '@example.com',
           'first_name', 'Person', 'last_name', 'Number ' || ${USER_OF_N}, 'time_zone', 'Europe/Berlin',
           'status', 'active', 'rights', json_build_array())),
       now() + interval '14 days'
     FROM generate_series(1, $1::int) n`,
    [SESSIONS, PLACE.ip],
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
     SELECT 'session-' || n, md5('session ' || n)::uuid::text, 'user-' || ${USER_OF_N}, $2, $3, now(), now(),
       now() + interval '7 days'
     FROM generate_series(1, $1::int) n`,
    [SESSIONS, PLACE.ip, PLACE.userAgent],
  );
  await settle(postgres, database);
}

/** Leaves nothing of the load to be done while something is measured. */
async function settle(postgres: BenchedPostgres, database: string): Promise<void> {
  for (const statement of ['VACUUM ANALYZE', 'CHECKPOINT']) await postgres.query(database, statement);
}
