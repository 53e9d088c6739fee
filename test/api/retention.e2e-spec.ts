import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RetentionService, type Removed } from '../../src/sessions/retention.service.js';
import { ClerkBrowser, SETTINGS } from '../support/clerk-browser.js';
import { besides, runCommand } from '../support/command.js';
import { holdRows } from '../support/held-rows.js';
import { document, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { forgetAttempts } from '../support/second-factor.js';

const DAY = 86_400_000;
const SESSIONS = '/api/v2/sessions';
const GOES_ON = new AbortController().signal;

let latchkey: Latchkey;
beforeAll(async () => {
  latchkey = await Latchkey.start({ ...SETTINGS, RETENTION_DAYS: '30', EVENT_RETENTION_DAYS: '90' });
});
afterAll(() => latchkey.stop());
beforeEach(async () => {
  latchkey.clock.release();
  await latchkey.sql(
    'UPDATE retention SET run = NULL, worked_at = NULL, session_place = 0, finished_at = NULL',
  );
});

const run = (evenIfRecent = true, stop = GOES_ON, instance = latchkey): Promise<Removed | null> =>
  instance.app.get(RetentionService, { strict: false }).run(evenIfRecent, stop);

/** Those of the sessions that are in the database, in whatever state. */
async function kept(ids: readonly string[]): Promise<string[]> {
  const rows = await latchkey.sql<{ id: string }>('SELECT id FROM sessions WHERE id = ANY ($1) ORDER BY id', [
    ids,
  ]);
  return rows.map(({ id }) => id);
}

/** How many rows of any table hold a text, wherever it stands in them. */
async function traces(text: string): Promise<number> {
  const tables = await latchkey.sql<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  );
  const counts = tables.map(({ name }) =>
    latchkey.sql<{ count: number }>(`SELECT count(*)::int FROM ${name} t WHERE strpos(t::text, $1) > 0`, [
      text,
    ]),
  );
  return (await Promise.all(counts)).reduce((sum, [row]) => sum + (row?.count ?? 0), 0);
}

/** Adds sessions that ended so many days ago, by the back door. @returns their ids */
async function addEnded(person: SignedInPerson, howMany: number, daysAgo: number): Promise<string[]> {
  const rows = await latchkey.sql<{ id: string }>(
    `INSERT INTO sessions (user_id, status, token_hash, created_at, last_activity_at, ended_at)
     SELECT $1::bigint, 'ended', sha256(convert_to(gen_random_uuid()::text, 'UTF8')), at, at, at
     FROM generate_series(1, $2::int), (SELECT now() - make_interval(days => $3::int) AS at) t RETURNING id`,
    [person.id, howMany, daysAgo],
  );
  return rows.map(({ id }) => id);
}

/** Adds one row to a table that is old by now, by the back door. */
async function addOld(table: string): Promise<void> {
  if (table === 'attempts') await latchkey.sql(`INSERT INTO attempts VALUES ('old', 1, 0)`);
  if (table === 'events')
    await latchkey.sql(`INSERT INTO events (created_at, action, outcome) VALUES ('epoch', 'old', 'ok')`);
  if (table === 'sent_codes')
    await latchkey.sql(
      `INSERT INTO sent_codes (user_id, purpose, channel, credentials_version, code_hash, sent_at, expires_at)
       SELECT id, 'old', 'sms', 0, '', 'epoch', 'epoch' FROM users LIMIT 1`,
    );
}

describe('what is removed', () => {
  it('SECURITY 173: sessions that were over 30 days ago, and no other', async () => {
    latchkey.clock.freeze(new Date(Date.now() - 400 * DAY));
    const person = await latchkey.asUser();
    const open = () => latchkey.signIn(person);
    const ended = await open();
    await latchkey.delete(`${SESSIONS}/${ended.sessionId}`, ended.token).expect(204);
    const revoked = await open();
    await latchkey.delete(`${SESSIONS}/${revoked.sessionId}`, person.token).expect(204);
    const expires = await open();
    const machine = document('sessions', { name: 'nightly', machine: true });
    const { body } = await latchkey.post(`${SESSIONS}/machine`, person.token, machine);
    const machineId = body.data.id as string;
    const careful = await latchkey.asUser();
    await latchkey.enableTwoFactor(careful);
    const pending = await latchkey.signIn(careful); // a code is owed, and never given
    const all = [ended, revoked, expires, pending].map(({ sessionId }) => sessionId);
    const those = (...credentials: { sessionId: string }[]) =>
      credentials.map(({ sessionId }) => sessionId).sort();

    latchkey.clock.move(29 * DAY);
    await run();
    expect((await kept(all)).sort()).toEqual([...all].sort());

    latchkey.clock.move(2 * DAY); // 31 days: over since then are the first two, and what was never completed
    const used = await open();
    await run();
    expect(await kept(all)).toEqual(those(expires)); // over for 17 days

    latchkey.clock.move(14 * DAY);
    await latchkey.sql(`UPDATE sessions SET expires_at = $2 WHERE id = $1`, [
      used.sessionId,
      new Date(latchkey.clock.milliseconds() + DAY),
    ]);
    await run();
    expect(await kept(all)).toEqual([]);
    expect(await kept([machineId, used.sessionId])).toHaveLength(2); // the one never expires, the other is live
    await latchkey.get(`${SESSIONS}/current`, used.token).expect(200);
  });

  it('SECURITY 173: with them addresses, devices, sign-ins step by step, verifications and browsers', async () => {
    latchkey.clock.freeze(new Date(Date.now() - 800 * DAY));
    const person = await latchkey.addUser();
    const browser = new ClerkBrowser(latchkey);
    const agent = 'TellTale/7.31 (a device to be forgotten)';
    const form = { identifier: person.email, password: person.password };
    const signedIn = await browser.post('/client/sign_ins', form).set('User-Agent', agent).expect(200);
    expect(signedIn.body.response.status).toBe('complete');
    const native = await latchkey.signIn(person);
    const opening = document('verifications', { level: 'first_factor' });
    await latchkey.post(`${SESSIONS}/${native.sessionId}/verifications`, native.token, opening).expect(201);
    const asked = new ClerkBrowser(latchkey); // begins to sign in, and goes away
    await asked.post('/client/sign_ins', { identifier: 'never.came.back@example.com' }).expect(200);
    expect(await traces(agent)).toBe(1);
    expect(await traces('never.came.back@example.com')).toBeGreaterThan(0);

    latchkey.clock.move(45 * DAY);
    const removed = await run();
    expect(removed).toMatchObject({ sessions: 2, sign_in_attempts: 1, browsers: 1 });
    expect(await traces(agent)).toBe(0);
    expect(await traces('never.came.back@example.com')).toBe(0);
    const rows = (table: string) => latchkey.sql(`SELECT FROM ${table}`);
    expect([await rows('sign_in_attempts'), await rows('verifications')]).toEqual([[], []]);
    latchkey.clock.move(400 * DAY); // a browser that somebody signed in with lives longer, if only as a hash
    await run();
    expect(await rows('browsers')).toEqual([]);
    await latchkey.signIn(person); // the user is nobody's history
  });

  it('SECURITY 173: verifications of a session that lives on, 30 days after they expired', async () => {
    latchkey.clock.freeze(new Date(Date.now() - 300 * DAY));
    const person = await latchkey.asUser();
    const { sessionId, token } = person;
    const opening = document('verifications', { level: 'first_factor' });
    await latchkey.post(`${SESSIONS}/${sessionId}/verifications`, token, opening).expect(201);
    for (const days of [10, 10, 10, 2]) {
      latchkey.clock.move(days * DAY);
      await latchkey.get(`${SESSIONS}/current`, token).expect(200);
      await latchkey.sql('UPDATE sessions SET expires_at = $2 WHERE id = $1', [
        sessionId,
        new Date(latchkey.clock.milliseconds() + 14 * DAY),
      ]);
    }
    const verifications = () => latchkey.sql('SELECT FROM verifications WHERE session_id = $1', [sessionId]);
    expect(await verifications()).toHaveLength(1);
    await run();
    expect(await verifications()).toEqual([]);
    await latchkey.get(`${SESSIONS}/current`, token).expect(200);
  });

  it('counters of attempts whose window is over, and none that still counts', async () => {
    await forgetAttempts(latchkey);
    const person = await latchkey.addUser();
    const wrong = document('sessions', { email: person.email, password: 'not the password' });
    const counters = () => latchkey.sql('SELECT FROM attempts');
    await latchkey.post(SESSIONS, null, wrong).expect(401);
    await run();
    expect(await counters()).toHaveLength(3); // of the address, of the account, and of both
    await latchkey.sql('UPDATE attempts SET expire = 0');
    expect(await run()).toMatchObject({ attempts: 3 });
    expect(await counters()).toEqual([]);
  });

  it('events of the audit log that are older than EVENT_RETENTION_DAYS', async () => {
    await latchkey.sql(
      `INSERT INTO events (created_at, action, outcome, name) SELECT now() - make_interval(days => d), 'session.open', 'ok', 'old event'
       FROM unnest(ARRAY[89, 91, 500]) d`,
    );
    await latchkey.sql(
      `INSERT INTO webhook_deliveries (event_id, next_attempt_at) SELECT id, created_at FROM events WHERE name = 'old event'`,
    );
    await run();
    const left = await latchkey.sql(
      `SELECT FROM events e JOIN webhook_deliveries d ON d.event_id = e.id WHERE e.name = 'old event'`,
    );
    expect(left).toHaveLength(1);
  });
});

describe('how', () => {
  let person: SignedInPerson;
  beforeAll(async () => {
    latchkey.clock.release();
    person = await latchkey.asUser();
  });

  it('SECURITY 173: in pieces of at most 500, and what is broken off goes on where it stopped', async () => {
    const ids = await addEnded(person, 1_200, 40);
    const broken = await run(true, AbortSignal.abort());
    expect(broken?.sessions).toBeGreaterThan(0);
    expect(broken?.sessions).toBeLessThanOrEqual(500);
    const [state] = await latchkey.sql<{ place: string; run: string | null; finished: Date | null }>(
      'SELECT session_place AS place, run, finished_at AS finished FROM retention',
    );
    expect(Number(state?.place)).toBeGreaterThan(0);
    expect(state).toMatchObject({ run: null, finished: null });

    const rest = await run(false);
    expect((broken?.sessions ?? 0) + (rest?.sessions ?? 0)).toBe(1_200);
    expect(await kept(ids)).toEqual([]);
  });

  it('by one instance at a time, and no sooner again than in an hour', async () => {
    const other = await Latchkey.start({ RETENTION_DAYS: '30' }, latchkey);
    try {
      await addEnded(person, 1_000, 40);
      const runs = await Promise.all([
        run(false),
        run(false, GOES_ON, other),
        run(false),
        run(false, GOES_ON, other),
      ]);
      expect(runs.filter((removed) => removed !== null)).toEqual([
        expect.objectContaining({ sessions: 1_000 }),
      ]);
      expect(await run(false, GOES_ON, other)).toBeNull();
      latchkey.clock.move(3_600_000);
      expect(await run(false)).not.toBeNull();
    } finally {
      await other.stop();
    }
  });

  it('takes over from an instance that died, after a minute', async () => {
    const [old] = await addEnded(person, 1, 40);
    const diedAt = (seconds: number) =>
      latchkey.sql(`UPDATE retention SET run = 'of the dead', worked_at = $1`, [
        new Date(latchkey.clock.milliseconds() - seconds * 1000),
      ]);
    await diedAt(30);
    expect(await run()).toBeNull();
    await diedAt(61);
    expect(await run()).not.toBeNull();
    expect(await kept([old!])).toEqual([]);
  });

  it('runs when a clock that has been put back since said that it had', async () => {
    latchkey.clock.move(40 * DAY);
    expect(await run(false)).not.toBeNull();
    latchkey.clock.release();
    expect(await run(false)).not.toBeNull();
    expect(await run(false)).toBeNull();
  });

  it.each([
    ['attempts', 'expire', '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'],
    ['sent_codes', 'expires_at', 'clock_timestamp()'],
    ['events', 'created_at', `clock_timestamp() - interval '90 days'`],
  ])(
    'ends, however many %s grow old meanwhile: it removes what was old when it began',
    async (table, old, at) => {
      await run();
      await addOld(table);
      // Each that goes leaves one that has just grown old: forty, and not without end, if the promise is broken.
      await latchkey.sql('CREATE SEQUENCE grown_old');
      await latchkey.sql(
        `CREATE FUNCTION grow_old() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF nextval('grown_old') > 40 THEN RETURN NULL; END IF;
         OLD.${old} := ${at};
         INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT OLD.*;
         RETURN NULL; END $$`,
      );
      await latchkey.sql(
        `CREATE TRIGGER grow_old AFTER DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION grow_old()`,
      );
      try {
        const removed = await run();
        expect(removed?.[table]).toBeGreaterThan(0);
        expect(removed?.[table]).toBeLessThan(20);
      } finally {
        await latchkey.sql('DROP FUNCTION grow_old() CASCADE');
        await latchkey.sql('DROP SEQUENCE grown_old');
      }
    },
  );

  it('waits for nobody: what somebody works on is removed by the next run', async () => {
    const ids = await addEnded(person, 3, 40);
    const held = await holdRows(latchkey, 'SELECT FROM sessions WHERE id = $1 FOR UPDATE', [ids[1]]);
    try {
      await run();
      expect(await kept(ids)).toEqual([ids[1]]);
    } finally {
      await held.release();
    }
    await run();
    expect(await kept(ids)).toEqual([]);
  });

  it('stops between two pieces when its instance stops', async () => {
    const other = await Latchkey.start({ RETENTION_DAYS: '30' }, latchkey);
    const ids = await addEnded(person, 3_000, 40);
    const broken = run(true, GOES_ON, other);
    await other.stop();
    expect((await broken)?.sessions).toBeLessThan(ids.length);
    await run();
    expect(await kept(ids)).toEqual([]);
  });
});

describe('latchkey retention run', () => {
  it('removes what is old at once and says how much, unless another process is at it', async () => {
    const person = await latchkey.asUser();
    await addEnded(person, 2, 40);
    const done = await runCommand(besides(latchkey), ['retention', 'run']);
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).toMatch(/^2 of sessions removed\n/);
    await latchkey.sql(`UPDATE retention SET run = 'another', worked_at = now()`);
    const refused = await runCommand(besides(latchkey), ['retention', 'run', '--json']);
    expect(refused).toEqual({
      code: 1,
      out: '',
      err: 'Another process is removing what is old at this moment\n',
    });
  }, 90_000);
});
