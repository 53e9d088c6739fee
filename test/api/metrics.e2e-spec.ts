import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Metrics } from '../../src/http/metrics.js';
import { LiveSessionsStore } from '../../src/sessions/live-sessions.store.js';
import { Latchkey } from '../support/latchkey.js';
import { resource } from '../support/client.js';

describe('GET /metrics', () => {
  let latchkey: Latchkey;
  beforeAll(async () => {
    latchkey = await Latchkey.start();
  });
  afterAll(() => latchkey.stop());

  /** The value of a series, by its exact name and labels; undefined when there is none. */
  async function figure(series: string): Promise<number | undefined> {
    const { text } = await latchkey.get('/metrics', null).expect(200);
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  it('tells how many sessions are live, and counts none that is over or still owes its second factor', async () => {
    const person = await latchkey.asUser();
    const machine = resource('sessions', { name: 'deployment' });
    await latchkey.post('/api/v2/sessions/machine', person.token, machine).expect(201);
    const { sessionId } = await latchkey.signIn(person);
    await latchkey.delete(`/api/v2/sessions/${sessionId}`, person.token).expect(204);
    const careful = await latchkey.asUser();
    await latchkey.enableTwoFactor(careful);
    await latchkey.signIn(careful);
    expect(await figure('live_sessions')).toBe(3);
  });

  it('tells sign-ins by their outcome, and why they were refused', async () => {
    const opened = 'audit_events_total{action="session.open",outcome="ok",reason=""}';
    const refused = 'audit_events_total{action="session.open",outcome="refused",reason="unauthenticated"}';
    const before = (await figure(opened)) ?? 0;
    const person = await latchkey.asUser();
    const wrong = resource('sessions', { email: person.email, password: 'not the password' });
    for (let n = 0; n < 2; n++) await latchkey.post('/api/v2/sessions', null, wrong).expect(401);
    expect(await figure(opened)).toBe(before + 1);
    expect(await figure(refused)).toBe(2);
  });

  it('tells refusals by reason, those of the framework too', async () => {
    const told = ['route_unknown', 'unauthenticated'].map((reason) => `refusals_total{reason="${reason}"}`);
    const figures = () => Promise.all(told.map(async (series) => (await figure(series)) ?? 0));
    const [unknown = 0, unauthenticated = 0] = await figures();
    await latchkey.get('/api/v2/nothing', null).expect(404);
    await latchkey.get('/api/v2/sessions/current', null).expect(401);
    expect(await figures()).toEqual([unknown + 1, unauthenticated + 1]);
  });

  it('tells how long each route takes, by its template', async () => {
    await latchkey.get('/api/v2/sessions/12345?include=sentinel', null).expect(401);
    const labels = 'le="+Inf",method="GET",route="/api/v2/sessions/:id",status="4xx"';
    expect(await figure(`http_request_duration_seconds_bucket{${labels}}`)).toBe(1);
  });

  it('tells how the line of password hashes and the pool to PostgreSQL stand', async () => {
    expect(await figure('password_hashes_running')).toBe(0);
    expect(await figure('password_hashes_waiting')).toBe(0);
    expect(await figure('database_statements_waiting')).toBe(0);
    const open = (await figure('database_connections_open'))!;
    expect(open).toBeGreaterThanOrEqual(1);
    expect(await figure('database_connections_idle')).toBeLessThanOrEqual(open);
  });

  it('gathers them once for all who ask at the same time, and anew for who asks later', async () => {
    const metrics = new Metrics();
    let gathered = 0;
    metrics.gauge('gathered', 'How often.', () => ++gathered);
    const all = await Promise.all(Array.from({ length: 20 }, () => metrics.exposition()));
    expect(new Set(all.map(({ text }) => text)).size).toBe(1);
    expect((await metrics.exposition()).text).toContain('\ngathered 2\n');
  });

  it('tells how many sessions are live from a part of a large table, also where PostgreSQL never looked how large it is', async () => {
    const { id } = await latchkey.asUser();
    const store = latchkey.app.get(LiveSessionsStore, { strict: false });
    const count = () => store.count(latchkey.clock.now());
    const few = await count();
    await latchkey.sql('ALTER TABLE sessions SET (autovacuum_enabled = off)');
    await latchkey.sql(
      `INSERT INTO sessions (user_id, token_hash, status, created_at, last_activity_at, expires_at, user_agent)
       SELECT $1, sha256(n::text::bytea), 'active', now(), now(), now() + interval '1 day', repeat('x', 1000)
       FROM generate_series(1, 60000) n`,
      [id],
    );
    const many = [await count(), await count(), await count(), await count(), await count()];
    for (const live of many) expect(Math.abs(live / (few + 60_000) - 1)).toBeLessThan(0.1);
    expect(new Set(many).size).toBeGreaterThan(1); // of other blocks each time
  });

  it('names nobody', async () => {
    const { text } = await latchkey.get('/metrics', null).expect(200);
    expect(text).not.toMatch(/example\.com|sentinel|12345/);
  });
});
