import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { APIS, enter } from '../support/apis.js';
import { document, Door, ORIGIN, PASSWORD, type Credential, type Person } from '../support/door.js';
import { freePort } from '../support/free-port.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { ServerProcess, stopAllServers } from '../support/server-process.js';
import { ask } from '../support/sql.js';
import { until } from '../support/until.js';

jest.setTimeout(120_000);

describe('DATABASE_REPLICA_URL', () => {
  let primary: OwnPostgres;
  let replica: OwnPostgres;
  let server: ServerProcess;
  let door: Door;
  let admin: Credential;

  beforeAll(async () => {
    primary = await OwnPostgres.create(await freePort());
    await primary.start();
    await primary.ask('CREATE DATABASE latchkey');
    await primary.stop();
    replica = await primary.standby(await freePort(), 'replica');
    await primary.start();
    // The service starts without its replica, which is not there yet.
    server = await ServerProcess.start({
      DATABASE_URL: primary.url('latchkey'),
      DATABASE_REPLICA_URL: replica.url('latchkey'),
      SECRET_KEY: '0123456789abcdef'.repeat(4),
      ADMIN_PASSWORD: PASSWORD,
      ALLOWED_ORIGINS: ORIGIN,
    });
    door = new Door(server.url);
    admin = await door.signIn({ email: 'admin@example.com', password: PASSWORD });
  });

  afterAll(async () => {
    await stopAllServers();
    await Promise.all([primary.remove(), replica.remove()]);
  });

  it('that is not there yet is done without, and used once it is there', async () => {
    await list(admin);
    expect(await reads('replica')).toBe(0);
    await replica.start();
    await untilUsed(admin);
  });

  it('answers lists, which may be a moment old, and nothing else', async () => {
    const person = await add();
    const [here, elsewhere] = [await door.signIn(person), await door.signIn(person)];
    await caughtUp();
    await paused(async () => {
      const before = await reads('replica');
      await door.delete(`/api/v2/sessions/${elsewhere.sessionId}`, elsewhere.token).expect(204);
      expect(await list(here)).toEqual([here.sessionId, elsewhere.sessionId]);
      expect(await reads('replica')).toBe(before + 1);
      // Whoever comes with what was revoked is refused by the primary, whatever is listed.
      await door.get('/api/v2/sessions', elsewhere.token).expect(401);
      await door.get(`/api/v2/sessions/${elsewhere.sessionId}`, here.token).expect(404);
    });
    await caughtUp();
    expect(await list(here)).toEqual([here.sessionId]);
  });

  it.each(APIS)(
    'never shows whoever acted through %s less than they did, nor what they ended',
    async (api) => {
      const person = await add();
      const elsewhere = await door.signIn(person);
      const seat = await enter(api, door, person, admin);
      await caughtUp();
      await paused(async () => {
        expect(await seat.sessionIds(door)).toEqual([elsewhere.sessionId, seat.sessionId]);
        await seat.revoke(door, elsewhere.sessionId);
        expect(await seat.sessionIds(door)).toEqual([seat.sessionId]);
      });
    },
  );

  it('never decides who belongs to an organisation: who was taken out sees it no more', async () => {
    const person = await add();
    const { token } = await door.signIn(person);
    await ask(
      primary.url('latchkey'),
      `WITH navy AS (INSERT INTO organizations (name, slug, created_at, updated_at)
         VALUES ('Navy', 'navy', now(), now()) RETURNING id)
       INSERT INTO memberships (organization_id, user_id, role, created_at, updated_at)
       SELECT id, $1::bigint, 'member', now(), now() FROM navy`,
      [person.id],
    );
    const seen = async () => (await door.get('/api/v2/organizations', token).expect(200)).body.data.length;
    await caughtUp();
    await paused(async () => {
      expect(await seen()).toBe(1);
      await ask(primary.url('latchkey'), 'DELETE FROM memberships WHERE user_id = $1', [person.id]);
      expect(await seen()).toBe(0);
    });
  });

  it('never hides a session from itself, be it new or newly completed', async () => {
    const [person, another] = [await add(), await add()];
    const { sessionId, token } = await door.signIn(person);
    const [code] = await server.client().enableTwoFactor(token, person.id, PASSWORD);
    const pending = await door.signIn(person);
    await caughtUp();
    await paused(async () => {
      const proof = document('sessions', { otp: code, password: PASSWORD });
      const path = `/api/v2/sessions/${pending.sessionId}/validate_otp`;
      const { body } = await door.put(path, pending.token, proof).expect(200);
      const completed = { ...pending, token: body.data.attributes.token };
      expect(await list(completed)).toEqual([sessionId, pending.sessionId]);
      const fresh = await door.signIn(another);
      expect(await list(fresh)).toEqual([fresh.sessionId]);
    });
  });

  it('is asked by many at once, with its log a moment late, and shows nobody what they ended', async () => {
    const people = await Promise.all(Array.from({ length: 8 }, add));
    const before = await reads('behind');
    const flicker = new AbortController();
    const flickering = pauseNowAndThen(flicker.signal);
    await Promise.all(
      people.map(async (person) => {
        const seat = await door.signIn(person);
        for (let turn = 0; turn < 6; turn++) {
          const other = await door.signIn(person);
          expect(await list(other)).toEqual([seat.sessionId, other.sessionId]);
          await door.delete(`/api/v2/sessions/${other.sessionId}`, seat.token).expect(204);
          expect(await list(seat)).toEqual([seat.sessionId]);
        }
      }),
    );
    flicker.abort();
    await flickering;
    expect(await reads('behind')).toBeGreaterThan(before);
  });

  it('tells how far behind it is by the statements of docs/scaling.md', async () => {
    const docs = await readFile(join(import.meta.dirname, '../../docs/scaling.md'), 'utf8');
    const statement = (column: string) =>
      [...docs.matchAll(/```sql\n([^`]*)```/g)].find(([, text]) => text!.includes(column))![1]!;
    const behind = async () => {
      const [shown] = await replica.ask<{ seconds_behind: string }>(statement('seconds_behind'));
      return Number(shown!.seconds_behind);
    };
    const following = () =>
      primary.ask<{ application_name: string; state: string; bytes_missing: string }>(
        statement('bytes_missing'),
      );
    await caughtUp();
    await until(async () => (await behind()) === 0);
    await paused(async () => {
      await add();
      await until(async () => (await behind()) > 0);
      const [row, ...others] = await following();
      expect([row!.application_name, row!.state, others]).toEqual(['replica', 'streaming', []]);
      await until(async () => Number((await following())[0]!.bytes_missing) === 0);
    });
    await until(async () => (await behind()) === 0);
  });

  it.each([
    ['dies', () => replica.kill(), () => replica.start()],
    ['hangs', () => replica.freeze(), () => replica.thaw()],
  ] as const)('is done without when it %s, and used again when it is back', async (_, take, give) => {
    await untilUsed(admin);
    await take();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => door.get('/api/v2/sessions', admin.token)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    await give();
    await untilUsed(admin);
    expect(server.log.filter(({ msg }) => msg === 'bug')).toEqual([]);
  });

  let people = 0;
  async function add(): Promise<Person> {
    const email = `person${++people}@example.com`;
    const body = document('users', { email, password: PASSWORD });
    const { body: added } = await door.post('/api/v2/users', admin.token, body).expect(201);
    return { id: added.data.id, email, password: PASSWORD };
  }

  /** The ids of the sessions that a session lists, in order. */
  async function list({ token }: Credential): Promise<string[]> {
    const { body } = await door.get('/api/v2/sessions?sort=id', token).expect(200);
    return (body.data as { id: string }[]).map(({ id }) => id);
  }

  /** How many lists were answered so, as the metrics have it. */
  async function reads(answered: 'replica' | 'behind' | 'away'): Promise<number> {
    const { text } = await door.get('/metrics', null).expect(200);
    return Number(
      new RegExp(`^replica_reads_total\\{answered="${answered}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0,
    );
  }

  async function untilUsed(by: Credential): Promise<void> {
    const before = await reads('replica');
    while ((await reads('replica')) === before) {
      await list(by);
      await sleep(50);
    }
  }

  /** Waits until the replica shows whatever the primary does. */
  async function caughtUp(): Promise<void> {
    const [now] = await primary.ask<{ lsn: string }>('SELECT pg_current_wal_lsn() AS lsn');
    const seen = `SELECT pg_last_wal_replay_lsn() >= '${now!.lsn}' AS seen`;
    while (!(await replica.ask<{ seen: boolean }>(seen))[0]!.seen) await sleep(10);
  }

  async function paused(work: () => Promise<void>): Promise<void> {
    await replica.ask('SELECT pg_wal_replay_pause()');
    try {
      await work();
    } finally {
      await replica.ask('SELECT pg_wal_replay_resume()');
    }
  }

  async function pauseNowAndThen(until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      await paused(() => sleep(60));
      await sleep(60);
    }
  }
});
