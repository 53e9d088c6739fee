import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addSession } from '../support/fixture-session.js';
import { JsonApiStage, type StagedRoute } from '../support/json-api-stage.js';
import type { RawAnswer } from '../support/raw-client.js';

// The clauses are those of JSONAPI.md §2. The stage fails on any answer that is no JSON:API document of bare type.

const CURSOR_PROFILE = 'https://jsonapi.org/profiles/ethanresnick/cursor-pagination/';
const COLLECTIONS = ['/api/v2/sessions', '/api/v2/users'];

let stage: JsonApiStage;
beforeAll(async () => {
  stage = await JsonApiStage.set();
  // Three ties in each of two groups, so that an order by last_activity_at is none without the id.
  const lastActivityAt = new Date(stage.latchkey.clock.milliseconds() - 3_600_000);
  for (let n = 0; n < 6; n++) {
    await addSession(stage.latchkey, stage.admin.id, { name: n < 3 ? 'a' : 'b', lastActivityAt });
  }
});
afterAll(() => stage.stop());

const get = (path: string, headers = {}) => stage.send({ path, headers });
const idsOf = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);
/** A link of the document's, as a path of this instance. */
const pathOf = (link: string) => link.replace(/^http:\/\/localhost:\d+/, '');
const withQuery =
  (query: string) =>
  ({ path }: StagedRoute) => ({ path: `${path}?${query}` });
const sayParameter = ({ status, body }: RawAnswer) => `${status} ${body.errors[0].source.parameter}`;
const allSay = (said: string, where: (route: StagedRoute) => boolean = () => true) =>
  stage.routes.filter(where).map(({ name }) => `${name}: ${said}`);

describe('documents', () => {
  it.each(COLLECTIONS)('JSONAPI 30: %s is an array, even if empty', async (path) => {
    expect((await get(path)).body.data.length).toBeGreaterThan(0);
    const empty = await get(`${path}?filter[created_at][gt]=2999-01-01`);
    expect([empty.status, empty.body.data]).toEqual([200, []]);
  });

  it.each(['/api/v2/sessions/current', '/api/v2/users/me'])('JSONAPI 30: %s is an object', async (path) => {
    const { status, body } = await get(path);
    expect([status, typeof body.data.id]).toEqual([200, 'string']); // JSONAPI 18
  });

  it('JSONAPI 31: what does not exist is a 404 on every route with an id, whatever the id', async () => {
    for (const id of [
      '0',
      '01',
      '12abc',
      '-1',
      '1.0',
      '1e3',
      '9223372036854775807',
      '99999999999999999999999',
    ]) {
      const hasId = ({ name, body }: StagedRoute) => name.includes('/:') && !body && !name.startsWith('POST');
      const said = await stage.askAll(({ path }) => ({ path: path.replace(/\/\d+/, `/${id}`) }), hasId);
      expect(said).toEqual(allSay('404', hasId));
    }
  });

  it.each(COLLECTIONS)('JSONAPI 32: every link that %s gives out can be fetched', async (path) => {
    const seen = new Set<string>();
    const open = [`${path}?page[size]=1`];
    while (open.length > 0) {
      const { status, body } = await get(open.pop()!);
      expect(status).toBe(200);
      for (const link of Object.values<string>(body.links).map(pathOf)) {
        if (!seen.has(link)) open.push(link);
        seen.add(link);
      }
    }
    expect(seen.size).toBeGreaterThan(1);
  });
});

describe('include and fields', () => {
  it.each([
    'unknown',
    'user.unknown',
    'unknown.user',
    'user,unknown',
    '__proto__',
    'constructor',
    '[]',
    ',',
    'User',
  ])(
    'JSONAPI 33: include=%s is a 400 on every route, whatever the method, and changes nothing',
    async (include) => {
      const before = await stage.rows();
      expect(await stage.askAll(withQuery(`include=${include}`), undefined, sayParameter)).toEqual(
        allSay('400 include'),
      );
      expect(await stage.rows()).toEqual(before);
    },
  );

  it('JSONAPI 33: a repeated include is a 400, and no 500', async () => {
    expect((await get('/api/v2/sessions?include=user&include=user')).status).toBe(400);
  });

  it('JSONAPI 34: an include that is supported is answered, even with nothing', async () => {
    for (const path of ['/api/v2/sessions', '/api/v2/sessions/current']) {
      expect((await get(`${path}?include=user`)).body.included).toHaveLength(1); // JSONAPI 22: each once
      expect((await get(`${path}?include=`)).body.included).toEqual([]);
    }
    expect((await get('/api/v2/users/me?include=')).body.included).toEqual([]);
  });

  it('JSONAPI 35: nothing that was not asked for is included', async () => {
    for (const path of ['/api/v2/sessions', '/api/v2/sessions/current', '/api/v2/users/me']) {
      expect((await get(path)).body).not.toHaveProperty('included');
    }
    const everyone = await get('/api/v2/sessions?include=user&filter[user_id]=all');
    expect(everyone.body.included.map(({ id }: { id: string }) => id).sort()).toEqual(
      [stage.admin.id, stage.other.id].sort(),
    );
  });

  it('JSONAPI 36: sparse fields leave attributes and relationships out alike, an empty list all of them', async () => {
    const one = async (query: string) => (await get(`/api/v2/sessions/current?${query}`)).body;
    const { data } = await one('fields[sessions]=name,created_at');
    expect([Object.keys(data.attributes).sort(), 'relationships' in data]).toEqual([
      ['created_at', 'name'],
      false,
    ]);
    const bare = (await one('fields[sessions]=')).data;
    expect([bare.attributes ?? {}, 'relationships' in bare]).toEqual([{}, false]);
    const linked = await one('fields[sessions]=user&fields[users]=email&include=user');
    expect(linked.data.relationships.user.data).toEqual({ type: 'users', id: stage.admin.id });
    expect(linked.included[0].attributes).toEqual({ email: stage.admin.email });
  });

  it('JSONAPI 36: fields that do not exist are a 400 on every route', async () => {
    const isAny = ({ name }: StagedRoute) => !name.endsWith('/revoke');
    for (const query of ['fields[sessions]=nothing', 'fields[nothing]=name', 'fields[users]=password_hash']) {
      const said = await stage.askAll(withQuery(query), isAny);
      expect(said).toEqual(allSay('400', isAny));
    }
  });
});

describe('sort and pages', () => {
  it('JSONAPI 37: sorts ascending, descending and by several fields in turn', async () => {
    const names = async (sort: string) => {
      const { body } = await get(`/api/v2/sessions?sort=${sort}&filter[name]=a,b&page[size]=200`);
      return body.data.map((row: { attributes: { name: string } }) => row.attributes.name).join('');
    };
    expect(await names('name')).toBe('aaabbb');
    expect(await names('-name')).toBe('bbbaaa');
    const byBoth = await get('/api/v2/sessions?sort=-name,id&filter[name]=a,b');
    const byName = await get('/api/v2/sessions?sort=id&filter[name]=a,b');
    const ascending = idsOf(byName.body);
    expect(idsOf(byBoth.body)).toEqual([...ascending.slice(3), ...ascending.slice(0, 3)]);
  });

  it.each(COLLECTIONS)('JSONAPI 37: a sort that %s does not know is a 400', async (path) => {
    for (const sort of [
      'nothing',
      'token',
      'password_hash',
      '',
      '-',
      '--id',
      'id,id',
      'id;drop table',
      '__proto__',
    ]) {
      const { status, body } = await get(`${path}?sort=${encodeURIComponent(sort)}`);
      expect([sort, status, body.errors?.[0].source]).toEqual([sort, 400, { parameter: 'sort' }]);
    }
  });

  it('JSONAPI 38: first and last are always there, prev and next where there is such a page', async () => {
    const links = async (number: number) =>
      Object.keys((await get(`/api/v2/sessions?page[size]=3&page[number]=${number}`)).body.links).sort();
    expect(await links(1)).toEqual(['first', 'last', 'next']);
    expect(await links(2)).toEqual(['first', 'last', 'next', 'prev']);
    expect(await links(3)).toEqual(['first', 'last', 'prev']);
    expect(await links(9)).toEqual(['first', 'last', 'prev']);
  });

  it.each(['last_activity_at', '-last_activity_at', 'name', '-id', 'machine'])(
    'JSONAPI 39: pages by %s hold every row once, in one order, ties too',
    async (sort) => {
      const whole = idsOf((await get(`/api/v2/sessions?sort=${sort}`)).body);
      const paged: string[] = [];
      for (let path = `/api/v2/sessions?sort=${sort}&page[size]=2`; path;) {
        const { body } = await get(path);
        paged.push(...idsOf(body));
        path = body.links.next ? pathOf(body.links.next) : '';
      }
      expect(paged).toEqual(whole);
      expect(new Set(whole).size).toBe(whole.length);
    },
  );

  it('JSONAPI 40: the links repeat the other parameters', async () => {
    const query = 'filter[name]=a&sort=-id&include=user&fields[sessions]=name,user';
    const { body } = await get(`/api/v2/sessions?${query}&page[size]=1`);
    const kept = new URL(body.links.next).searchParams;
    expect(Object.fromEntries(kept)).toEqual({
      'filter[name]': 'a',
      sort: '-id',
      include: 'user',
      'fields[sessions]': 'name,user',
      'page[number]': '2',
      'page[size]': '1',
    });
  });

  it.each(['unknown=1', 'page=2', 'format=xml', 'callback=x', 'Include=user', 'expiresin=1', 'toString=1'])(
    'JSONAPI 41: %s is a 400 that names it, on every route, and changes nothing',
    async (query) => {
      const before = await stage.rows();
      const said = await stage.askAll(withQuery(query), undefined, sayParameter);
      expect(said).toEqual(allSay(`400 ${query.split('=')[0]}`));
      expect(await stage.rows()).toEqual(before);
    },
  );

  it('JSONAPI 42: brackets mean the same encoded and not', async () => {
    const plain = await get('/api/v2/sessions?page[size]=2&fields[sessions]=name');
    const encoded = await get('/api/v2/sessions?page%5Bsize%5D=2&fields%5Bsessions%5D=name');
    expect(encoded.body).toEqual(plain.body);
  });

  it.each(['0', '-1', 'abc', '', '1.5', '1e2', '99999999999999999999', '%00'])(
    'JSONAPI 43: page[number]=%s and page[size]=%s are a 400 or a bounded page',
    async (value) => {
      const sized = await get(`/api/v2/sessions?page[size]=${value}`);
      if (sized.status === 200) expect(sized.body.meta.page_size).toBe(200);
      else expect(sized.status).toBe(400);
      expect((await get(`/api/v2/sessions?page[number]=${value}`)).status).toBe(400);
    },
  );
});

describe('the cursor pagination profile', () => {
  const cursor = (query: string) => get(`/api/v2/sessions?${query}`);

  it('JSONAPI 60: a size above the maximum is a 400 that says which', async () => {
    const { status, body } = await cursor('page[after]=&page[size]=201');
    const [error] = body.errors;
    expect([status, error.source, error.links.type, error.meta]).toEqual([
      400,
      { parameter: 'page[size]' },
      `${CURSOR_PROFILE}max-size-exceeded`,
      { page: { maxSize: 200 } },
    ]);
  });

  it.each(['x', '%7B%7D', 'W10', 'bnVsbA', '../..', 'x'.repeat(5_000)])(
    'JSONAPI 61: %.20s is no cursor: 400 that names the parameter',
    async (value) => {
      for (const member of ['after', 'before']) {
        const { status, body } = await cursor(`page[${member}]=${value}`);
        expect([status, body.errors[0].source]).toEqual([400, { parameter: `page[${member}]` }]);
      }
    },
  );

  it('JSONAPI 62: prev and next are always there, and null at the ends', async () => {
    const first = (await cursor('page[after]=&page[size]=5')).body;
    expect([first.links.prev, typeof first.links.next]).toEqual([null, 'string']);
    const last = (await cursor('page[before]=&page[size]=5')).body;
    expect([typeof last.links.prev, last.links.next]).toEqual(['string', null]);
  });

  it('JSONAPI 63: an order that cannot be followed, and a range, are told by their type', async () => {
    const typeOf = async (query: string) => (await cursor(query)).body.errors[0].links.type;
    expect(await typeOf('page[after]=&sort=name')).toBe(`${CURSOR_PROFILE}unsupported-sort`);
    expect(await typeOf('page[after]=&page[before]=')).toBe(
      `${CURSOR_PROFILE}range-pagination-not-supported`,
    );
  });

  it('JSONAPI 64: the order is completed, so that cursors walk over ties without loss, both ways', async () => {
    const query = 'sort=last_activity_at&page[size]=2';
    const whole = idsOf((await cursor('sort=last_activity_at')).body);
    const walk = async (start: string, link: 'next' | 'prev') => {
      const pages: string[][] = [];
      for (let path: string | null = `/api/v2/sessions?${query}&${start}`; path;) {
        const { body } = await get(path);
        pages.push(idsOf(body));
        expect(body.data.every((row: { meta: { page: { cursor: unknown } } }) => row.meta.page.cursor)).toBe(
          true,
        );
        path = body.links[link] && pathOf(body.links[link]);
      }
      return pages;
    };
    expect((await walk('page[after]=', 'next')).flat()).toEqual(whole);
    expect((await walk('page[before]=', 'prev')).reverse().flat()).toEqual(whole);
  });
});
