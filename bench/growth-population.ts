/** Sessions that one statement adds. */
const AT_ONCE = 250_000;
/** Sessions of one user, of all but the few who have very many. */
const OF_EACH = 20;

/**
 * Loads so many sessions, the n-th opened n-th over the last sixty days, into a database that Latchkey has brought up to
 * date. Of a hundred, 74 are live (4 of them machine sessions, half of those read-only), 14 ended, 10 expired and 2
 * never completed. One user has a tenth of them, another a hundredth, everybody else twenty; a fifth
 * are held by browsers, a third act for one of a thousand organisations, a tenth have a fingerprint of their own, and
 * a twentieth were opened by one application.
 * @param query on that database
 */
export async function loadGrowth(
  query: (text: string, values?: readonly unknown[]) => Promise<unknown>,
  sessions: number,
): Promise<void> {
  const users = Math.max(10, sessions / OF_EACH);
  await query(
    `INSERT INTO users (email, email_key, first_name, last_name, time_zone, created_at, updated_at)
     SELECT 'person-' || n || '@example.com', 'person-' || n || '@example.com', 'Person', 'Number ' || n,
       'Europe/Berlin', now(), now()
     FROM generate_series(1, $1::int) n`,
    [users],
  );
  await query(
    `INSERT INTO organizations (name, slug, created_at, updated_at)
     SELECT 'Organisation ' || n, 'organisation-' || n, now(), now() FROM generate_series(1, 1000) n`,
  );
  await query(
    `INSERT INTO browsers (token_hash, created_at, updated_at, expires_at)
     SELECT sha256(convert_to('browser ' || n, 'UTF8')), now(), now(), now() + interval '300 days'
     FROM generate_series(1, $1::int) n`,
    [sessions / 10],
  );
  for (let from = 1; from <= sessions; from += AT_ONCE) {
    await query(LOAD, [from, Math.min(from + AT_ONCE - 1, sessions), sessions, users]);
  }
  for (const statement of ['VACUUM ANALYZE', 'CHECKPOINT']) await query(statement);
}

/** In SQL: the n-th session. Primes spread what it has over the others, so that nothing depends on anything else. */
const LOAD = `
  INSERT INTO sessions (user_id, status, token_hash, machine, read_only, name, last_ip, location, user_agent, device,
    platform, browser, user_verified_at, password_verified_at, first_factor_verified_at, browser_id, organization_id,
    creator_id, fingerprint, created_at, last_activity_at, changed_at, expires_at, ended_at)
  SELECT u.first_id + owner, status, sha256(convert_to(md5('session ' || n)::uuid::text, 'UTF8')), machine,
    machine AND n % 2 = 0, CASE WHEN machine THEN 'nightly job ' || n END, '192.0.2.' || n % 250, NULL,
    CASE WHEN NOT machine THEN 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36' END,
    CASE WHEN NOT machine THEN 'desktop' END, CASE WHEN NOT machine THEN 'Linux' END,
    CASE WHEN NOT machine THEN 'Chrome' END, opened, opened, opened,
    CASE WHEN n % 5 = 0 AND NOT machine THEN b.first_id + n::bigint / 5 * 7 % ($3::int / 10) END,
    CASE WHEN n % 3 = 0 THEN o.first_id + n::bigint * 31 % 1000 END,
    CASE WHEN n % 20 = 7 THEN u.first_id + 2 END,
    CASE WHEN n % 10 = 3 THEN 'fingerprint-' || md5('agent ' || n) END,
    opened, CASE WHEN status = 'active' THEN least(opened + interval '10 days', now()) ELSE opened END, opened,
    CASE WHEN machine THEN NULL WHEN kind < 80 THEN now() + interval '1 day' + opened_ago / 5
      ELSE now() - (opened_ago * 0.8) END,
    CASE WHEN status = 'ended' THEN opened + opened_ago / 3 END
  FROM (
    SELECT n, kind, kind < 4 AS machine, opened_ago, now() - opened_ago AS opened,
      CASE WHEN kind < 74 THEN 'active' WHEN kind < 88 THEN 'ended' WHEN kind < 98 THEN 'active' ELSE 'pending_otp' END AS status,
      CASE WHEN n % 10 = 1 THEN 0 WHEN n % 100 = 2 THEN 1 ELSE n::bigint * 104729 % $4::int END AS owner
    FROM generate_series($1::int, $2::int) n,
      LATERAL (SELECT n::bigint * 7919 % 100 AS kind, interval '60 days' * (1 - n::float8 / $3::int) AS opened_ago) of_n) s,
    (SELECT min(id) AS first_id FROM users WHERE email = 'person-1@example.com') u,
    (SELECT min(id) AS first_id FROM organizations) o, (SELECT min(id) AS first_id FROM browsers) b
  ORDER BY n`;
