import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import request from 'supertest';
import { Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { lockTable, untilSomeoneWaits } from '../support/locks.js';

const SESSIONS = '/api/v2/sessions';
/** With the one that asks: more than are counted. */
const ADDED = 10_050;
const ALL = ADDED + 1;

let latchkey: Latchkey;
let person: SignedInPerson;

beforeAll(async () => {
  latchkey = await Latchkey.start();
  person = await latchkey.asUser();
  await latchkey.sql(
    `INSERT INTO sessions (user_id, status, token_hash, created_at, last_activity_at, expires_at)
     SELECT $1, 'active', sha256(convert_to('one of many ' || n, 'UTF8')), now(), now(), now() + interval '14 days'
     FROM generate_series(1, $2::int) n`,
    [person.id, ADDED],
  );
});
afterAll(() => latchkey.stop());

const list = async (query: string) =>
  (await latchkey.get(`${SESSIONS}?${query}`, person.token).expect(200)).body;
const bearer = () => ({ Authorization: `Bearer ${person.token}` });

describe('a list of more than ten thousand', () => {
  it('says that it was counted so far, links to the next page, and to no last one', async () => {
    const { data, links, meta } = await list('');
    expect(data).toHaveLength(30);
    expect(meta).toEqual({
      current_page: 1,
      total_pages: 334,
      total_count: 10_000,
      page_size: 30,
      max_page_size: 200,
      total_is_lower_bound: true,
    });
    expect(Object.keys(links)).toEqual(['first', 'next']);
  });

  it('goes on behind what was counted, to an end that knows how many there are', async () => {
    const { links, meta } = await list('page[number]=50&page[size]=200');
    expect([meta.total_count, meta.total_is_lower_bound]).toEqual([10_001, true]);
    expect(links.next).toContain('page%5Bnumber%5D=51');
    const end = await list('page[number]=51&page[size]=200');
    expect(end.data).toHaveLength(ALL - 10_000);
    expect(end.meta).toMatchObject({ total_count: ALL, total_pages: 51 });
    expect(end.meta).not.toHaveProperty('total_is_lower_bound');
    expect(end.links.last).toContain('page%5Bnumber%5D=51');
    expect(end.links).not.toHaveProperty('next');
  });

  it('is counted exactly where a filter leaves fewer', async () => {
    const { meta } = await list('filter[created_at][lt]=2020-01-01');
    expect(meta).toMatchObject({ total_count: 0 });
    expect(meta).not.toHaveProperty('total_is_lower_bound');
  });

  it('refuses a number that lies farther than a million resources, and names the way on', async () => {
    await latchkey.get(`${SESSIONS}?page[number]=5001&page[size]=200`, person.token).expect(200);
    const { body } = await latchkey
      .get(`${SESSIONS}?page[number]=5002&page[size]=200`, person.token)
      .expect(400);
    expect(body.errors[0]).toMatchObject({
      source: { parameter: 'page[number]' },
      detail: 'Pages by number reach 1000000 resources far: go on by page[after]',
    });
  });

  it('is told by the other APIs as far as it was counted, and exactly by PORTOS where nothing else is asked', async () => {
    const get = (path: string) => request(latchkey.url).get(path).set(bearer()).expect(200);
    const page = await get('/portos/sessions?$take=5');
    expect(page.body).toMatchObject({ count: 5, totalCount: 10_000 });
    const counted = await get('/portos/sessions?$count=true');
    expect(counted.body).toEqual({ count: 1_000, totalCount: ALL });
    const searched = await request(latchkey.url).post('/zitadel/v2/sessions/search').set(bearer()).send({});
    expect(searched.body.details.totalResult).toBe('10000');
    const lendix = await request(latchkey.url)
      .get('/lendix/sessions?limit=10')
      .set({
        sessionToken: person.token.replaceAll('-', ''),
        userId: BigInt(person.id).toString(16).padStart(24, '0'),
      });
    expect(lendix.body.remaining).toBe(9_990);
  });
});

describe('lists that have to look at every row', () => {
  it.each([
    ['events', 'filter[ip]=192.0.2.1'],
    ['organizations', 'filter[name]=Navy'],
  ])('of %s leave most connections to whoever asks for less', async (table, query) => {
    const reader = await latchkey.asUser({ rights: ['event.read', 'user.read'] });
    const search = `/api/v2/${table}?${query}`;
    await latchkey.get(search, reader.token).expect(200);
    const unlock = await lockTable(latchkey.database.url, table);
    const searches = Promise.all(Array.from({ length: 20 }, () => latchkey.get(search, reader.token)));
    try {
      await untilSomeoneWaits(latchkey.database.url);
      for (let turn = 0; turn < 20; turn++) {
        await latchkey.get('/api/v2/sessions/current', person.token).expect(200);
      }
    } finally {
      await unlock();
    }
    expect((await searches).map(({ status }) => status)).toEqual(Array(20).fill(200));
  });
});
