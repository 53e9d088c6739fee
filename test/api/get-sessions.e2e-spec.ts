import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addSession } from '../support/fixture-session.js';
import { JSON_API, Latchkey, type SignedInPerson } from '../support/latchkey.js';
import { HOUR, idsOf, sessionsOfEveryKind, userIdsOf, type Row } from '../support/listed-sessions.js';

const PATH = '/api/v2/sessions';
const CURSOR_PROFILE = 'https://jsonapi.org/profiles/ethanresnick/cursor-pagination/';

describe('GET /api/v2/sessions', () => {
  let latchkey: Latchkey;
  let owner: SignedInPerson;
  let other: SignedInPerson;
  let auditor: SignedInPerson;

  beforeAll(async () => {
    latchkey = await Latchkey.start({ PUBLIC_URL: 'https://id.example.com' });
    latchkey.clock.freeze();
    [owner, other, auditor] = await Promise.all([
      latchkey.asUser(),
      latchkey.asUser(),
      latchkey.asUser({ rights: ['session.read'] }),
    ]);
    for (const row of sessionsOfEveryKind(latchkey.clock.milliseconds()))
      await addSession(latchkey, owner.id, row);
    await addSession(latchkey, other.id, { name: 'laptop', location: 'vienna' });
  });
  afterAll(() => latchkey?.stop());

  const get = (query: string, token = owner.token) =>
    latchkey.get(query === '' ? PATH : `${PATH}?${query}`, token);
  const list = async (query: string, token = owner.token) => (await get(query, token).expect(200)).body;
  const follow = async (link: string, token = owner.token) => {
    const { pathname, search } = new URL(link);
    return (await latchkey.get(pathname + search, token).expect(200)).body;
  };
  const hrefOf = (parameters: string) => `https://id.example.com${PATH}?${parameters}`;

  describe('200, pages', () => {
    it("holds the caller's live sessions, newest first", async () => {
      const body = await list('');
      const ids = idsOf(body).map(Number);
      expect(ids).toEqual([...ids].sort((a, b) => b - a));
      expect(ids).toHaveLength(9);
      expect(userIdsOf(body)).toEqual(new Set([Number(owner.id)]));
    });

    it('is no place for ended, pending or expired sessions', async () => {
      const person = await latchkey.asUser();
      const gone = ['pending_otp', 'ended', 'removed', 'revoked', 'expired', 'replaced'] as const;
      for (const status of gone) await addSession(latchkey, person.id, { status });
      await addSession(latchkey, person.id, { expiresAt: latchkey.clock.now() });
      const body = await list('', person.token);
      expect(idsOf(body)).toEqual([person.sessionId]);
      expect(body.meta.total_count).toBe(1);
    });

    it.each([
      [1, 3, [undefined, 2]],
      [2, 3, [1, 3]],
      [3, 3, [2, undefined]],
    ])('links page %i of 3 to its neighbours', async (number, last, [prev, next]) => {
      const body = await list(`page[number]=${number}&page[size]=3`);
      const page = (n: number) => hrefOf(`page%5Bnumber%5D=${n}&page%5Bsize%5D=3`);
      expect(body.links).toEqual({
        first: page(1),
        last: page(last),
        ...(prev === undefined ? {} : { prev: page(prev) }),
        ...(next === undefined ? {} : { next: page(next) }),
      });
      expect(Object.entries(body.meta)).toEqual([
        ['current_page', number],
        ['total_pages', 3],
        ['total_count', 9],
        ['page_size', 3],
        ['max_page_size', 200],
      ]);
      expect(body.data).toHaveLength(3);
    });

    it('holds 30 sessions unless asked for more, and says so', async () => {
      const { links, meta } = await list('');
      expect(links.first).toBe(hrefOf('page%5Bnumber%5D=1&page%5Bsize%5D=30'));
      expect(meta.page_size).toBe(30);
    });

    it('keeps every other query parameter in its links', async () => {
      const query = 'filter[machine]=false,true&sort=-name,id&include=user&fields[users]=email&page[size]=2';
      const { links } = await list(query);
      expect(links.next).toBe(
        hrefOf(
          'filter%5Bmachine%5D=false%2Ctrue&sort=-name%2Cid&include=user&fields%5Busers%5D=email' +
            '&page%5Bnumber%5D=2&page%5Bsize%5D=2',
        ),
      );
      const second = await follow(links.next);
      expect(second.meta.current_page).toBe(2);
      expect(second.links.first).toBe(links.first);
    });

    it('shows every session once when all pages are walked', async () => {
      const walked: string[] = [];
      let page = await list('sort=location&page[size]=2');
      walked.push(...idsOf(page));
      while (page.links.next !== undefined) {
        page = await follow(page.links.next);
        walked.push(...idsOf(page));
      }
      expect(walked).toEqual(idsOf(await list('sort=location')));
      expect(new Set(walked).size).toBe(9);
    });

    it('is a page of no pages when there is nothing', async () => {
      const body = await list('filter[name]=nothing of the kind');
      const first = hrefOf('filter%5Bname%5D=nothing%20of%20the%20kind&page%5Bnumber%5D=1&page%5Bsize%5D=30');
      expect(body).toEqual({
        data: [],
        links: { first, last: first },
        meta: { current_page: 1, total_pages: 0, total_count: 0, page_size: 30, max_page_size: 200 },
      });
    });

    it('is empty past the end, and leads back to the last page', async () => {
      const body = await list('page[number]=50&page[size]=4');
      expect(body.data).toEqual([]);
      expect(body.links.prev).toBe(hrefOf('page%5Bnumber%5D=3&page%5Bsize%5D=4'));
      expect(body.links).not.toHaveProperty('next');
      expect(body.meta).toMatchObject({ current_page: 50, total_pages: 3, total_count: 9 });
    });

    it.each(['201', '1000000000', '99999999999999999999', '9'.repeat(400)])(
      'SECURITY 96: takes page[size]=%s for 200',
      async (size) => {
        const { meta, links } = await list(`page[size]=${size}`);
        expect(meta).toMatchObject({ page_size: 200, max_page_size: 200 });
        expect(links.first).toBe(hrefOf('page%5Bnumber%5D=1&page%5Bsize%5D=200'));
      },
    );
  });

  describe('200, include and sparse fields', () => {
    it('includes each user once, and links each session to it', async () => {
      const body = await list('include=user');
      expect(body.included).toHaveLength(1);
      expect(body.included[0]).toMatchObject({
        id: owner.id,
        type: 'users',
        attributes: { email: owner.email },
      });
      for (const row of body.data as Row[]) {
        expect(row.relationships).toEqual({ user: { data: { type: 'users', id: owner.id } } });
      }
    });

    it('includes nothing unless asked', async () => {
      const body = await list('');
      expect(body).not.toHaveProperty('included');
      expect(body.data[0].relationships).toEqual({ user: { meta: { included: false } } });
    });

    it('sends the fields that were asked for, in the order of the document', async () => {
      const { data } = await list('fields[sessions]=machine,name');
      expect(Object.keys(data[0].attributes)).toEqual(['name', 'machine']);
      expect(data[0]).not.toHaveProperty('relationships');
      expect((await list('fields[sessions]=')).data[0]).toEqual({
        id: idsOf(await list(''))[0],
        type: 'sessions',
        attributes: {},
      });
    });

    it('sends more than the document shows only when asked by name', async () => {
      const more = ['created_at', 'status', 'user_agent', 'version'];
      for (const name of more) expect((await list('')).data[0].attributes).not.toHaveProperty(name);
      const { data } = await list(`fields[sessions]=${more.join()}&filter[name]=tablet`);
      expect(data[0].attributes).toEqual({
        created_at: `${latchkey.clock.now().toISOString().slice(0, -1)}+00:00`,
        status: 'active',
        user_agent: null,
        version: 1,
      });
    });

    it('SECURITY 102: hides what is hidden, whatever is asked for', async () => {
      for (const query of [
        'fields[sessions]=token_hash',
        'fields[users]=password_hash',
        'fields[users]=email_key',
      ]) {
        await get(query).expect(400);
      }
      const { text } = await get('include=user');
      expect(text).not.toMatch(/hash|email_key|credentials_version/);
    });
  });

  describe('200, cursors', () => {
    it.each([
      ['newest first', '', ['-id']],
      ['by last activity', 'sort=last_activity_at&', ['last_activity_at', 'id']],
      ['by kind, backwards', 'sort=-machine,-created_at&', ['-machine', '-created_at']],
    ])('walks forwards and backwards while sessions are added, %s', async (_, sort) => {
      const person = await latchkey.asUser();
      const activity = (n: number) => new Date(latchkey.clock.milliseconds() - (n % 3) * HOUR);
      for (let n = 0; n < 6; n++)
        await addSession(latchkey, person.id, { machine: n % 2 === 0, lastActivityAt: activity(n) });
      const standing = idsOf(await list(`${sort}page[size]=200`, person.token));
      let added = 0;
      const add = () => addSession(latchkey, person.id, { name: 'late', lastActivityAt: activity(added++) });

      const forwards: string[] = [];
      let page = await list(`${sort}page[after]=&page[size]=2`, person.token);
      expect(page.links.prev).toBeNull();
      for (;;) {
        forwards.push(...idsOf(page));
        await add();
        if (page.links.next === null) break;
        page = await follow(page.links.next, person.token);
      }
      expect(forwards.filter((id) => standing.includes(id))).toEqual(standing);
      expect(new Set(forwards).size).toBe(forwards.length);

      const backwards: string[] = [];
      page = await list(`${sort}page[before]=&page[size]=2`, person.token);
      expect(page.links.next).toBeNull();
      for (;;) {
        backwards.unshift(...idsOf(page));
        await add();
        if (page.links.prev === null) break;
        page = await follow(page.links.prev, person.token);
      }
      expect(backwards.filter((id) => standing.includes(id))).toEqual(standing);
      expect(new Set(backwards).size).toBe(backwards.length);
    });

    it('names the place of each session, and needs no total', async () => {
      const response = await get('page[after]=&page[size]=3');
      const { data, links, meta } = response.body as {
        data: Row[];
        links: Record<string, string>;
        meta: object;
      };
      expect(response.headers['content-type']).toBe(`${JSON_API}; profile="${CURSOR_PROFILE}"`);
      expect(Object.keys(links)).toEqual(['first', 'prev', 'next']);
      expect(meta).toEqual({});
      const all = idsOf(await list(''));
      for (const [index, row] of data.entries()) {
        const rest = await list(`page[after]=${row.meta!.page.cursor}`);
        expect(idsOf(rest)).toEqual(all.slice(index + 1));
      }
    });

    it('is chosen by the profile in Accept too', async () => {
      const { body } = await get('page[size]=2').set('Accept', `${JSON_API};profile="${CURSOR_PROFILE}"`);
      expect(body.data[0].meta.page.cursor).toEqual(expect.any(String));
      expect(body.links.next).toContain('page%5Bafter%5D=');
    });

    it('goes on after a session that has ended meanwhile', async () => {
      const person = await latchkey.asUser();
      for (let n = 0; n < 4; n++) await addSession(latchkey, person.id);
      const all = idsOf(await list('', person.token));
      const page = await list('page[after]=&page[size]=2', person.token);
      await latchkey.delete(`${PATH}/${all[1]}`, person.token).expect(204);
      expect(idsOf(await follow(page.links.next, person.token))).toEqual(all.slice(2, 4));
    });

    it("SECURITY 105: shows one's own sessions only, whoever's cursor it is", async () => {
      const { data } = await list('page[after]=', other.token);
      const body = await list(`page[before]=${data[0].meta.page.cursor}`);
      expect([...userIdsOf(body)].every((id) => id === Number(owner.id))).toBe(true);
    });
  });

  describe("200, one's own and others' sessions", () => {
    it.each([
      'filter[user_id]=OTHER',
      'filter[user_id][eq]=OTHER',
      'filter[user_id][not_eq]=OWN',
      'filter[user_id][gt]=0',
      'filter[user_id][gt_eq]=OTHER',
      'filter[user_id][lt]=9223372036854775807',
      'filter[user_id]=OWN,OTHER',
      'filter[user_id]=all',
      'filter[user_id]=all&filter[name]=laptop',
      'filter[0][user_id]=OTHER',
      'filter[$op]=or&filter[user_id]=OTHER&filter[machine]=false',
      'filter[$op]=or&filter[0][user_id]=OTHER&filter[1][name]=laptop',
      'filter[$op]=or&filter[0][0][user_id][not_eq]=OWN&filter[1][machine]=false',
      'filter[name]=laptop',
      'filter[location]=vienna',
      'filter[created_at][gt]=2000-01-01',
      'filter[last_ip][not_eq]=1',
      'sort=user_id',
      'sort=-user_id&page[after]=',
      'include=user',
      'page[before]=',
    ])('SECURITY 64: %s finds and counts nobody else, without the right', async (template) => {
      const query = template.replace('OTHER', other.id).replace('OWN', owner.id);
      const { data, meta } = await list(query);
      for (const row of data as Row[]) expect(row.attributes.user_id).toBe(Number(owner.id));
      if (!query.includes('page[')) expect(meta.total_count).toBe(data.length);
    });

    it('counts nothing of the one who is named, without the right', async () => {
      const { data, meta } = await list(`filter[user_id]=${other.id}`);
      expect(data).toEqual([]);
      expect(meta).toMatchObject({ total_count: 0, total_pages: 0 });
    });

    it("shows one's own only, even with the right, unless users are named", async () => {
      expect(idsOf(await list('', auditor.token))).toEqual([auditor.sessionId]);
    });

    it('shows the sessions of the users that a holder of session.read names', async () => {
      const both = await list(`filter[user_id]=${owner.id},${other.id}`, auditor.token);
      expect(userIdsOf(both)).toEqual(new Set([Number(owner.id), Number(other.id)]));
      expect(both.meta.total_count).toBe(both.data.length);
      expect(idsOf(await list(`filter[user_id]=${owner.id}`, auditor.token))).toEqual(idsOf(await list('')));
    });

    it("shows everyone's with `all`, narrowed by what else is asked", async () => {
      const everyone = await list('filter[user_id]=all&page[size]=200', auditor.token);
      const [{ count } = { count: '' }] = await latchkey.sql<{ count: string }>(
        `SELECT count(*) FROM sessions WHERE status = 'active' AND (expires_at IS NULL OR expires_at > $1)`,
        [latchkey.clock.now()],
      );
      expect(everyone.meta.total_count).toBe(Number(count));
      const laptops = await list('filter[user_id]=all&filter[name]=laptop', auditor.token);
      expect(userIdsOf(laptops)).toEqual(new Set([Number(owner.id), Number(other.id)]));
    });

    it('SECURITY 72: shows nobody else from the request on that follows the loss of the right', async () => {
      const person = await latchkey.asUser({ rights: ['session.read'] });
      expect((await list(`filter[user_id]=${owner.id}`, person.token)).data).not.toEqual([]);
      await latchkey.sql(`UPDATE users SET rights = '{}' WHERE id = $1`, [person.id]);
      expect((await list(`filter[user_id]=${owner.id}`, person.token)).data).toEqual([]);
    });

    it("SECURITY 54: shows no token but the caller's own", async () => {
      for (const [query, { sessionId, token }] of [
        ['', owner],
        ['filter[user_id]=all&page[size]=200', auditor],
      ] as const) {
        const { data } = (await list(query, token)) as { data: Row[] };
        for (const { id, attributes } of data) expect(attributes.token).toBe(id === sessionId ? token : null);
        expect(idsOf({ data })).toContain(sessionId);
      }
    });

    it('shows no token at all to a JWT', async () => {
      const { jwt } = (await latchkey.post(`${PATH}/jwt`, owner.token).expect(201)).body;
      const { data } = (await list('', jwt)) as { data: Row[] };
      expect(data.map(({ attributes }) => attributes.token)).toEqual(data.map(() => null));
    });
  });

  describe('401', () => {
    it('asks for a credential', () => latchkey.get(PATH, null).expect(401));
  });
});
