import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLog } from '../../src/events/audit-log.js';
import { writtenEvents } from '../support/events.js';
import { mintMachine } from '../support/access-table.js';
import { document, Latchkey, PASSWORD, type SignedInPerson } from '../support/latchkey.js';

const PATH = '/api/v2/events';
const SESSIONS = '/api/v2/sessions';

interface Shown {
  readonly id: string;
  readonly type: string;
  readonly attributes: Record<string, unknown>;
}

let latchkey: Latchkey;
let auditor: SignedInPerson;
let person: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  auditor = await latchkey.asUser({ rights: ['event.read'] });
  person = await latchkey.asUser();
});
afterAll(() => latchkey.stop());

const list = async (query = '', token = auditor.token): Promise<Shown[]> =>
  (await latchkey.get(`${PATH}${query}`, token).expect(200)).body.data;
const signIn = (email: string, password: string) =>
  latchkey.post('/api/v2/sessions', null, document('sessions', { email, password }));

describe('200', () => {
  it('shows a holder of event.read what happened, the newest first, with who, with what, and from where', async () => {
    const opened = await signIn(person.email, PASSWORD).expect(201);
    const session = opened.body.data.id as string;
    const ended = await latchkey.delete(`/api/v2/sessions/${session}`, person.token).expect(204);
    const [end, open] = await list(`?filter[session_id]=${session}`);
    const same = {
      outcome: 'ok',
      reason: null,
      user_id: Number(person.id),
      session_id: Number(session),
      organization_id: null,
      ip: expect.stringContaining('127.0.0.1'),
      name: null,
      count: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*\+00:00$/),
    };
    expect(open).toEqual({
      id: expect.stringMatching(/^\d+$/),
      type: 'events',
      attributes: {
        action: 'session.open',
        actor_id: null,
        actor_session_id: null,
        request_id: opened.headers['x-request-id'],
        ...same,
      },
    });
    expect(end?.attributes).toEqual({
      action: 'session.end',
      actor_id: Number(person.id),
      actor_session_id: Number(person.sessionId),
      request_id: ended.headers['x-request-id'],
      ...same,
    });
  });

  it('shows what was refused a moment ago, which is not written with the refusal', async () => {
    await signIn('nobody@example.com', 'not the password').expect(401);
    const [newest] = await list();
    expect(newest?.attributes).toMatchObject({
      action: 'session.open',
      outcome: 'refused',
      reason: 'unauthenticated',
      user_id: null,
    });
  });

  it('shows one event', async () => {
    const [newest] = await list();
    const { body } = await latchkey.get(`${PATH}/${newest!.id}`, auditor.token).expect(200);
    expect(body.data).toEqual(newest);
  });

  it('may be read with a read-only token', async () => {
    await list('', await mintMachine(latchkey, auditor.token, true));
  });

  it.each([
    ['action', 'session.open'],
    ['outcome', 'refused'],
    ['reason', 'unauthenticated'],
    ['user_id', () => Number(person.id)],
    ['session_id', () => Number(person.sessionId)],
    ['actor_id', () => Number(person.id)],
    ['actor_session_id', () => Number(person.sessionId)],
  ])('is narrowed to one %s, and to all others', async (name, value) => {
    const wanted = typeof value === 'function' ? value() : value;
    const kept = await list(`?filter[${name}]=${wanted}&page[size]=200`);
    const others = await list(`?filter[${name}][not_eq]=${wanted}&page[size]=200`);
    const whole = await list('?page[size]=200');
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.every(({ attributes }) => attributes[name] === wanted)).toBe(true);
    expect(others.some(({ attributes }) => attributes[name] === wanted)).toBe(false);
    expect(kept.length + others.length).toBe(whole.length);
  });

  it('is narrowed to a span of time and to an address, and put in order', async () => {
    const before = latchkey.clock.now().toISOString();
    latchkey.clock.move(60_000);
    await signIn(person.email, PASSWORD).expect(201);
    const later = `filter[created_at][gt]=${before}`;
    expect(await list(`?${later}`)).toHaveLength(1);
    expect(await list(`?${later}&filter[ip][contains]=127.0.0.1`)).toHaveLength(1);
    expect(await list(`?${later}&filter[ip]=192.0.2.1`)).toEqual([]);
    const [oldest] = await list('?sort=created_at&page[size]=1');
    expect(oldest?.attributes).toMatchObject({ action: 'user.create', actor_id: 0, ip: 'command line' });
  });

  it('is walked by cursors from end to end', async () => {
    const ids = (await list('?page[size]=200')).map(({ id }) => id);
    const walked: string[] = [];
    let next: string | null = `${PATH}?page[after]=&page[size]=3`;
    while (next !== null) {
      const { body }: { body: { data: Shown[]; links: { next: string | null } } } = await latchkey
        .get(next, auditor.token)
        .expect(200);
      walked.push(...body.data.map(({ id }) => id));
      next = body.links.next && body.links.next.slice(body.links.next.indexOf('/api'));
    }
    expect(walked).toEqual(ids);
    expect([...ids].sort((a, b) => Number(b) - Number(a))).toEqual(ids);
  });
});

describe('400', () => {
  it.each(['filter[count]=1', 'filter[colour]=red', 'sort=count', 'include=user', 'filter[user_id]=x'])(
    'knows no %s',
    async (query) => {
      await latchkey.get(`${PATH}?${query}`, auditor.token).expect(400);
    },
  );
});

describe('403', () => {
  it('is all that anyone without event.read is told, and is itself written down', async () => {
    const reader = await latchkey.asUser({ rights: ['user.read', 'session.read'] });
    await latchkey.get(PATH, reader.token).expect(403);
    const [newest] = await list();
    expect(newest?.attributes).toMatchObject({
      action: 'request',
      outcome: 'refused',
      reason: 'forbidden',
      actor_id: Number(reader.id),
    });
  });
});

describe('404', () => {
  it('is what an event is to whoever may not see any, as one that does not exist is', async () => {
    const [newest] = await list();
    const foreign = await latchkey.get(`${PATH}/${newest!.id}`, person.token).expect(404);
    const unknown = await latchkey.get(`${PATH}/987654321`, auditor.token).expect(404);
    expect(foreign.text).toBe(unknown.text);
    await latchkey.get(`${PATH}/${'9'.repeat(30)}`, auditor.token).expect(404);
  });
});

describe('405', () => {
  it('is what writing there is: nobody adds, changes or removes an event', async () => {
    const admin = await latchkey.asAdmin();
    const [newest] = await list();
    await latchkey.post(PATH, admin.token, document('events', {})).expect(405);
    await latchkey.patch(`${PATH}/${newest!.id}`, admin.token, document('events', {})).expect(405);
    await latchkey.delete(`${PATH}/${newest!.id}`, admin.token).expect(405);
  });
});

describe('a flood', () => {
  it('of the same refusal is one row a second, with how often', async () => {
    const before = await writtenEvents(latchkey);
    await Promise.all(
      Array.from({ length: 30 }, () => latchkey.get('/api/v2/events', person.token).expect(403)),
    );
    const written = (await writtenEvents(latchkey)).slice(before.length);
    expect(written.reduce((sum, { count }) => sum + (count ?? 1), 0)).toBe(30);
    expect(written.length).toBeLessThan(30);
  });

  it('of different refusals is a hundred rows a second, and one with the number of the others', async () => {
    const audit = latchkey.app.get(AuditLog);
    await audit.flush();
    const before = await writtenEvents(latchkey);
    for (let address = 0; address < 5_000; address++) {
      const ip = `2001:db8:0:${address.toString(16)}::1`;
      audit.record({ action: 'session.open', outcome: 'refused', reason: 'unauthenticated', ip });
    }
    const written = (await writtenEvents(latchkey)).slice(before.length);
    expect(written).toHaveLength(101);
    expect(written.filter(({ action }) => action === 'others')).toMatchObject([
      { outcome: 'refused', count: 4_900, userId: null, ip: null },
    ]);
  });

  it('from one address is ten rows a second, and one with the number of its others; what is refused to others meanwhile has its row', async () => {
    const proxied = await Latchkey.start({ TRUST_PROXY: '127.0.0.1' }, latchkey);
    const [flooder, neighbour] = ['192.0.2.66', '192.0.2.67'];
    const before = await writtenEvents(latchkey);
    const guess = async (id: number, ip: string) => {
      const draft = document('sessions', { password: 'a guess', otp: '000000' });
      const { status } = await proxied
        .put(`${SESSIONS}/${id}/validate_otp`, null, draft)
        .set('X-Forwarded-For', ip);
      expect([401, 429]).toContain(status); // after ten guesses nothing is looked at any more
    };
    const ids = Array.from({ length: 60 }, (_, n) => 1_000_000 + n);
    await Promise.all([
      ...ids.map((id) => guess(id, flooder)),
      ...ids.slice(0, 3).map((id) => guess(id, neighbour)),
    ]);
    await proxied.stop();
    const written = (await writtenEvents(latchkey)).slice(before.length);
    const of = (address: string) => written.filter(({ ip }) => ip === address);
    expect(of(neighbour).filter(({ action }) => action === 'session.validate_otp')).toHaveLength(3);
    expect(of(flooder).reduce((sum, { count }) => sum + (count ?? 1), 0)).toBe(60);
    const others = of(flooder).filter(({ action }) => action === 'others');
    expect(others.length).toBeGreaterThan(0);
    expect(of(flooder).length).toBeLessThanOrEqual(11 * (others.length + 1));
    expect(written.filter(({ ip }) => ip === null)).toEqual([]);
  });

  it('from one address leaves room for ten others a second', async () => {
    const audit = latchkey.app.get(AuditLog);
    await audit.flush();
    const before = await writtenEvents(latchkey);
    const refuse = (ip: string, sessionId: number) =>
      audit.record({
        action: 'session.validate_otp',
        outcome: 'refused',
        reason: 'unauthenticated',
        sessionId: String(sessionId),
        ip,
      });
    for (let session = 1; session <= 5_000; session++) refuse('192.0.2.66', session);
    for (let address = 1; address <= 8; address++) {
      for (let session = 1; session <= 11; session++) refuse(`198.51.100.${address}`, session);
    }
    const written = (await writtenEvents(latchkey)).slice(before.length);
    const others = written.filter(({ action }) => action === 'others');
    expect(others.map(({ ip, count }) => [ip, count])).toEqual([
      ['192.0.2.66', 4_990],
      ...Array.from({ length: 8 }, (_, n) => [`198.51.100.${n + 1}`, null]),
    ]);
    expect(written).toHaveLength(11 + 8 * 11);
  });

  it('from one IPv6 network is one from one address, whichever of its addresses it comes from', async () => {
    const audit = latchkey.app.get(AuditLog);
    await audit.flush();
    const before = await writtenEvents(latchkey);
    for (let address = 1; address <= 500; address++) {
      const ip = `2001:db8::1:0:0:${address.toString(16)}:7`;
      audit.record({ action: 'session.open', outcome: 'refused', reason: 'unauthenticated', ip });
    }
    const written = (await writtenEvents(latchkey)).slice(before.length);
    expect(written).toHaveLength(11);
    expect(written.at(-1)).toMatchObject({ action: 'others', ip: '2001:db8:0:1::/64', count: 490 });
  });

  it('from one address takes no room from the refusals of whoever is recognised there', async () => {
    const audit = latchkey.app.get(AuditLog);
    await audit.flush();
    const before = await writtenEvents(latchkey);
    const refusal = { action: 'request', outcome: 'refused', reason: 'forbidden', ip: '192.0.2.70' } as const;
    for (let session = 1; session <= 50; session++) audit.record({ ...refusal, sessionId: String(session) });
    for (let user = 1; user <= 30; user++) audit.record({ ...refusal, userId: String(user) });
    const written = (await writtenEvents(latchkey)).slice(before.length);
    expect(written.filter(({ userId }) => userId !== null)).toHaveLength(30);
    expect(written).toHaveLength(10 + 1 + 30);
  });

  it('of JWTs of one address is a hundred rows a second: whoever has them made is signed in', async () => {
    const audit = latchkey.app.get(AuditLog);
    await audit.flush();
    const before = await writtenEvents(latchkey);
    for (let session = 1; session <= 200; session++) {
      audit.record({ action: 'jwt.create', outcome: 'ok', sessionId: String(session), ip: '192.0.2.68' });
    }
    const written = (await writtenEvents(latchkey)).slice(before.length);
    expect(written).toHaveLength(101);
    expect(written.at(-1)).toMatchObject({ action: 'others', outcome: 'ok', ip: null, count: 100 });
  });
});

describe('what is gathered', () => {
  it('is written when the instance stops', async () => {
    const stranger = await latchkey.asUser();
    const beside = await Latchkey.start({}, latchkey);
    const { headers } = await beside.get(PATH, stranger.token).expect(403);
    await beside.stop();
    const rows = await latchkey.sql(`SELECT FROM events WHERE request_id = $1`, [headers['x-request-id']]);
    expect(rows).toHaveLength(1);
  });

  it('is kept for the next time when it cannot be written', async () => {
    const before = await writtenEvents(latchkey);
    await latchkey.sql('ALTER TABLE events RENAME TO elsewhere');
    await latchkey.get(`${PATH}/1`, null).expect(401);
    latchkey.app.get(AuditLog).record({ action: 'request', outcome: 'refused', ip: '192.0.2.9' });
    await latchkey.app.get(AuditLog).flush();
    await latchkey.sql('ALTER TABLE elsewhere RENAME TO events');
    const written = (await writtenEvents(latchkey)).slice(before.length);
    expect(written).toMatchObject([{ action: 'request', ip: '192.0.2.9', count: null }]);
  });
});
