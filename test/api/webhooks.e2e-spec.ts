import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook as Verifier } from 'standardwebhooks';
import { Webhook } from '../../src/events/webhook.js';
import { Webhooks } from '../../src/events/webhooks.service.js';
import { WebhooksStore } from '../../src/events/webhooks.store.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';
import { startSmsServer, type HandedOver, type SmsServer } from '../support/sms-server.js';
import { until } from '../support/until.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** Holds no instance and no receiver longer than a test. */
let running: { stop(): Promise<void> }[] = [];
/** Whose database all instances share; it delivers nothing itself. */
let latchkey: Latchkey;
let admin: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  admin = await latchkey.asAdmin();
});
afterEach(async () => {
  for (const one of running) await one.stop();
  running = [];
  await latchkey.sql('DELETE FROM webhook_deliveries');
});
afterAll(() => latchkey.stop());

async function receiver(answers: readonly number[] = []): Promise<SmsServer> {
  const server = await startSmsServer(answers);
  running.push(server);
  return server;
}

async function deliveringTo(url: string): Promise<Latchkey> {
  const instance = await Latchkey.start({ WEBHOOK_URL: url, WEBHOOK_SECRET: SECRET }, latchkey);
  running.unshift(instance); // stopped before whoever it speaks to
  return instance;
}

const signIn = (instance: Latchkey, password = PASSWORD) =>
  instance.post('/api/v2/sessions', null, document('sessions', { email: admin.email, password }));
const waiting = () =>
  latchkey.sql<{ event_id: string; attempts: number }>('SELECT event_id, attempts FROM webhook_deliveries');
const untilDelivered = () => until(async () => (await waiting()).length === 0);
/** Those whose last try is over: not on lease, which is for a minute. */
const postponed = () =>
  latchkey.sql<{ attempts: number }>(
    `SELECT attempts FROM webhook_deliveries
     WHERE attempts > 0 AND (next_attempt_at < now() + interval '40 seconds' OR next_attempt_at > now() + interval '1 hour')`,
  );
const untilPostponed = (attempts: number) => until(async () => (await postponed())[0]?.attempts === attempts);
/** As if the time of the next try had come. */
const letTimePass = () => latchkey.sql(`UPDATE webhook_deliveries SET next_attempt_at = 'epoch'`);
const read = ({ body }: HandedOver) => JSON.parse(body) as { type: string; timestamp: string; data: object };

describe('an event', () => {
  it('is posted, signed so that the receiver’s library takes it, with what the API shows of it', async () => {
    const { url, tries } = await receiver();
    const instance = await deliveringTo(`${url}/hooks?a=b`);
    const { headers } = await signIn(instance).expect(201);
    await untilDelivered();
    expect(tries).toHaveLength(1);
    const [{ path, body, headers: sent } = {} as HandedOver] = tries;
    expect(path).toBe('/hooks?a=b');
    expect(sent['content-type']).toBe('application/json');
    const told = new Verifier(SECRET).verify(body, sent as Record<string, string>) as ReturnType<typeof read>;
    const id = sent['webhook-id']!.toString().replace('evt_', '');
    const shown = await latchkey.get(`/api/v2/events/${id}`, admin.token).expect(200);
    const { attributes } = shown.body.data;
    expect(told).toEqual({
      type: 'session.open',
      timestamp: attributes.created_at,
      data: { id, ...attributes },
    });
    expect(attributes.request_id).toBe(headers['x-request-id']);
  });

  it('that is a refusal is posted too', async () => {
    const { url, tries } = await receiver();
    await signIn(await deliveringTo(url), 'not the password').expect(401);
    await until(() => tries.length === 1);
    expect(read(tries[0]!)).toMatchObject({
      type: 'session.open',
      data: { outcome: 'refused', reason: 'unauthenticated' },
    });
  });

  it('is posted with the user and the password of the URL', async () => {
    const { url, tries } = await receiver();
    await signIn(await deliveringTo(url.replace('http://', 'http://us%40er:pa%3Ass@'))).expect(201);
    await untilDelivered();
    expect(tries[0]!.headers.authorization).toBe(`Basic ${Buffer.from('us@er:pa:ss').toString('base64')}`);
  });

  it('waits in the database for nobody without WEBHOOK_URL', async () => {
    await signIn(latchkey).expect(201);
    expect(await waiting()).toEqual([]);
  });

  it('is posted once, however many instances deliver', async () => {
    const { url, tries } = await receiver();
    const [one] = [await deliveringTo(url), await deliveringTo(url)];
    const drafts = Array.from({ length: 60 }, (_, n) => document('sessions', { name: `machine ${n}` }));
    for (const draft of drafts) {
      await one.post('/api/v2/sessions/machine', admin.token, draft).expect(201);
    }
    await untilDelivered();
    const ids = tries.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(60);
    expect(ids).toHaveLength(60);
  });
});

describe('a flood of refusals', () => {
  /** Refusals that wait to be posted, as many of them as a flood of days would leave. */
  const floodOf = (count: number) =>
    latchkey.sql(
      `WITH added AS (
         INSERT INTO events (created_at, action, outcome, reason, ip)
         SELECT now(), 'session.validate_otp', 'refused', 'unauthenticated', '192.0.2.66' FROM generate_series(1, $1)
         RETURNING id)
       INSERT INTO webhook_deliveries (event_id, next_attempt_at, refused) SELECT id, 'epoch', true FROM added`,
      [count],
    );
  const outcomes = (tries: readonly HandedOver[]) =>
    tries.map((one) => (read(one).data as { outcome: string }).outcome);

  it('delays no act: its delivery is made before theirs, though they waited first', async () => {
    await floodOf(20_000);
    const { url, tries } = await receiver();
    const instance = await deliveringTo(url);
    const drafts = Array.from({ length: 30 }, (_, n) => document('sessions', { name: `machine ${n}` }));
    await Promise.all(
      drafts.map((draft) => instance.post('/api/v2/sessions/machine', admin.token, draft).expect(201)),
    );
    await until(async () => {
      const acts = await latchkey.sql('SELECT FROM webhook_deliveries WHERE NOT refused');
      return acts.length === 0;
    });
    expect(outcomes(tries).filter((outcome) => outcome === 'ok')).toHaveLength(30);
    expect((await waiting()).length).toBeGreaterThan(10_000);
  });

  it('whose receiver does not answer delays no act either', async () => {
    const { url, tries } = await receiver([0, 0, 0, 0]);
    const instance = await deliveringTo(url);
    await Promise.all([signIn(instance, 'a guess').expect(401), signIn(instance, 'a guess').expect(401)]);
    await floodOf(100);
    await until(() => tries.length === 4); // as many as its line has at once
    await signIn(instance).expect(201);
    await until(() => tries.length === 5);
    expect(outcomes(tries)).toEqual(['refused', 'refused', 'refused', 'refused', 'ok']);
  });

  it('is delivered beside acts, and so in the end', async () => {
    await floodOf(20);
    const { url, tries } = await receiver();
    await signIn(await deliveringTo(url)).expect(201);
    await untilDelivered();
    expect(outcomes(tries).filter((outcome) => outcome === 'refused')).toHaveLength(20);
  });

  it('is passed over by an index, however long', async () => {
    await floodOf(20_000);
    await latchkey.sql('ANALYZE webhook_deliveries');
    for (const refused of [true, false]) {
      const plan = await latchkey.sql(
        `EXPLAIN SELECT event_id FROM webhook_deliveries WHERE refused = ${refused} AND next_attempt_at <= now()
         ORDER BY next_attempt_at, event_id LIMIT 6 FOR UPDATE SKIP LOCKED`,
      );
      expect(JSON.stringify(plan)).toMatch(/Index Scan using webhook_deliveries_in_line[^"]*"/);
      expect(JSON.stringify(plan)).not.toContain('Sort');
    }
  });
});

describe('a receiver', () => {
  it.each([
    ['is at fault', 500],
    ['redirects: what is told goes nowhere else', 302],
    ['does not know the route', 404],
  ])('that %s is tried again, until it takes the event', async (_, status) => {
    const { url, tries, received } = await receiver([status, status]);
    await signIn(await deliveringTo(url)).expect(201);
    for (const count of [1, 2]) {
      await untilPostponed(count);
      await letTimePass();
    }
    await untilDelivered();
    expect(received()).toHaveLength(1);
    expect(new Set(tries.map(({ headers, path }) => `${String(headers['webhook-id'])} ${path}`)).size).toBe(
      1,
    );
    for (const { body, headers } of tries) {
      new Verifier(SECRET).verify(body, headers as Record<string, string>);
    }
  });

  it('that is gone is told nothing more of it', async () => {
    const { url, tries } = await receiver([410]);
    await signIn(await deliveringTo(url)).expect(201);
    await untilDelivered();
    expect(tries).toHaveLength(1);
  });

  it('is given up after three days of tries', async () => {
    const { url, tries } = await receiver(Array.from({ length: 9 }, () => 500));
    await signIn(await deliveringTo(url)).expect(201);
    await untilPostponed(1);
    await latchkey.sql('UPDATE webhook_deliveries SET attempts = 40');
    await letTimePass();
    await untilPostponed(41);
    await letTimePass();
    await untilDelivered();
    expect(tries).toHaveLength(3);
  });

  it('that does not answer holds up nobody, and is tried again', async () => {
    const { url, tries } = await receiver([0]);
    const source = await deliveringTo('http://127.0.0.1:9/');
    await signIn(source).expect(201);
    await source.stop();
    running = running.filter((one) => one !== source);
    await letTimePass();
    const store = latchkey.app.get(WebhooksStore, { strict: false });
    const webhooks = new Webhooks(store, new Webhook(url, SECRET), { warn: () => undefined }, undefined, 0.2);
    webhooks.onApplicationBootstrap();
    await until(async () => (await postponed()).length === 1);
    await letTimePass();
    await untilDelivered();
    await webhooks.beforeApplicationShutdown();
    expect(tries).toHaveLength(2);
  });

  it('that does not answer is left to others at once when the instance stops', async () => {
    const { url, tries } = await receiver([0]);
    const instance = await deliveringTo(url);
    await signIn(instance).expect(201);
    await until(() => tries.length === 1);
    await instance.stop();
    running = running.filter((one) => one !== instance);
    const due = await latchkey.sql('SELECT FROM webhook_deliveries WHERE next_attempt_at <= now()');
    expect(due).toHaveLength(1);
  });

  it('that was away while the instance stopped is told by the next one', async () => {
    const away = await deliveringTo('http://127.0.0.1:9/');
    await signIn(away).expect(201);
    await away.stop();
    running = running.filter((one) => one !== away);
    expect(await waiting()).toHaveLength(1);
    const { url, tries } = await receiver();
    await letTimePass(); // whether or not it was tried in vain
    await deliveringTo(url);
    await untilDelivered();
    expect(tries.map((one) => read(one).type)).toEqual(['session.open']);
  });
});
