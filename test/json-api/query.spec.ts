import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CURSOR_PROFILE } from '../../src/json-api/media-type.js';
import { readFilter, readListQuery, readQuery } from '../../src/json-api/query.js';
import { asked, thingResource } from './fixtures.js';
import { problemsOf } from './reason-of.js';

const NEWEST = [{ field: 'id', descending: true }];
const one = (query: string, own: string[] = []) => readQuery(asked(`/things/1?${query}`), thingResource, own);
const list = (query: string, headers?: Record<string, string>) =>
  readListQuery(asked(`/things?${query}`, headers), thingResource, NEWEST);
const refused = (act: () => unknown) =>
  problemsOf(act).map(({ reason, parameter }) =>
    parameter === undefined ? reason : `${reason} ${parameter}`,
  )[0];
const filter = (query: string) => readFilter(asked(`/things?${query}`), thingResource);

describe('a query string', () => {
  it('means the same with brackets encoded or not', () => {
    expect(list('page%5Bsize%5D=7').size).toBe(7);
    expect(list('page[size]=7').size).toBe(7);
  });

  it.each([
    ['%', 'bad_request'],
    ['a=%E0%A4%A', 'bad_request'],
    ['include=%00', 'bad_request'],
    ['include=%ED%A0%80', 'bad_request'],
    ['include=\u00e9', 'bad_request'],
    [`filter[name]=${'a'.repeat(9_000)}`, 'bad_request'],
    ['a[]=&'.repeat(1_500), 'bad_request'],
    ['a[]=&'.repeat(101), 'bad_request'],
    ['[b]=1', 'unsupported_parameter [b]'],
    ['a]b[=1', 'unsupported_parameter a]b['],
    ['__proto__[x]=1', 'unsupported_parameter __proto__[x]'],
    ['a[4294967295]=1', 'unsupported_parameter a[4294967295]'],
    ['format=xml', 'unsupported_parameter format'],
    ['callback=f', 'unsupported_parameter callback'],
    ['=x', 'unsupported_parameter '],
    ['page=2', 'unsupported_parameter page'],
    ['page[size][x]=2', 'unsupported_parameter page[size][x]'],
    ['page[limit]=2', 'unsupported_parameter page[limit]'],
    ['fields=name', 'unsupported_parameter fields'],
    ['sort[]=name', 'unsupported_parameter sort[]'],
    ['include=owner&include=owner', 'invalid_parameter include'],
    ['page[size]=1&page%5Bsize%5D=1', 'invalid_parameter page[size]'],
    ['fields[things]=name&fields[things]=name', 'invalid_parameter fields[things]'],
    ['<script>alert(1)</script>=1', 'unsupported_parameter scriptalert1script'],
    ['%3Cscript%3E=1', 'unsupported_parameter script'],
  ])('%s is refused', (query, why) => {
    expect(refused(() => list(query))).toBe(why);
  });

  it.each(['token', 'access_token', 'Email', 'password', 'password[x]', 'otp'])(
    'carries no %s, and the refusal does not repeat it',
    (name) => {
      const [problem] = problemsOf(() => one(`${name}=hunter2`));
      expect(problem?.reason).toBe('secret_in_query');
      expect(JSON.stringify(problem)).not.toContain('hunter2');
    },
  );

  it("hands over the route's own parameters and no others", () => {
    expect({ ...one('expires_in=60', ['expires_in']).parameters }).toEqual({ expires_in: '60' });
    expect(refused(() => one('expires_in=60'))).toBe('unsupported_parameter expires_in');
    expect(refused(() => one('expires_in=60&expires_in=61', ['expires_in']))).toBe(
      'invalid_parameter expires_in',
    );
    expect(refused(() => one('sort=name'))).toBe('unsupported_parameter sort');
  });

  it('never breaks it and never pollutes', () => {
    const piece = fc.constantFrom(
      'page',
      'filter',
      'fields',
      'sort',
      'include',
      'things',
      '[',
      ']',
      '%5B',
      '%',
      '%00',
      '=',
      '&',
      ',',
      '-',
      '0',
      '1',
      'name',
      'done',
      '$op',
      'or',
      '__proto__',
      'constructor',
      'after',
      'size',
      'id',
      '9999999999',
      '+',
    );
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 40 }), (query) => {
        refused(() => list(query));
        refused(() => one(query));
        refused(() => filter(query));
        expect(({} as Record<string, unknown>).x).toBeUndefined();
      }),
      { seed: 6, numRuns: 3_000 },
    );
  });
});

describe('include and fields', () => {
  it('tell none from empty', () => {
    expect(one('').include).toBeNull();
    expect(one('include=').include?.size).toBe(0);
    expect([...(one('include=owner').include ?? [])]).toEqual(['owner']);
    expect([...(one('fields[things]=').fields.get('things') ?? ['?'])]).toEqual([]);
  });

  it.each([
    'nobody',
    'owner.things',
    'owner,',
    '[]',
    'toString',
    '__proto__',
    'owner.owner.owner.owner',
    'Owner',
  ])('include=%s is refused', (value) => {
    expect(refused(() => one(`include=${value}`))).toBe('unsupported_include include');
  });

  it('name attributes and relationships of every type that can be answered', () => {
    const { fields } = one('fields[things]=name,owner,hidden&fields[people]=email');
    expect([...(fields.get('things') ?? [])]).toEqual(['name', 'owner', 'hidden']);
    expect([...(fields.get('people') ?? [])]).toEqual(['email']);
  });

  it.each([
    'fields[things]=password_hash',
    'fields[people]=name',
    'fields[robots]=x',
    'fields[things]=id',
    'fields[__proto__]=a',
    'fields[things]=constructor',
  ])('%s is refused', (query) => {
    expect(refused(() => one(query))).toBe(`unsupported_field ${query.split('=')[0]}`);
  });
});

describe('sort', () => {
  it('is read in turn, and ends at id', () => {
    expect(list('').page.sort).toEqual(NEWEST);
    expect(list('sort=-seen_at,name').page.sort).toEqual([
      { field: 'seenAt', descending: true },
      { field: 'name', descending: false },
    ]);
    expect(list('sort=name,-id,done').page.sort).toEqual([
      { field: 'name', descending: false },
      { field: 'id', descending: true },
    ]);
    expect(list('sort=hidden').page.sort).toEqual([{ field: 'hidden', descending: false }]);
  });

  it.each([
    '',
    'nobody',
    'token',
    'tags',
    '--name',
    'name,',
    'name,-name',
    'name;drop table',
    '__proto__',
    'owner',
    'name,done,seen_at,hidden,owner_id,id',
  ])('"%s" is refused', (value) => {
    expect(refused(() => list(`sort=${encodeURIComponent(value)}`))).toBe('unsupported_sort sort');
  });
});

describe('pages', () => {
  it('are numbered, 30 rows long and counted unless asked otherwise', () => {
    expect(list('')).toMatchObject({
      style: 'numbered',
      number: 1,
      size: 30,
      page: { countTotal: true, window: { kind: 'offset', offset: 0, limit: 30 } },
    });
    expect(list('page[number]=3&page[size]=10').page.window).toEqual({
      kind: 'offset',
      offset: 20,
      limit: 10,
    });
    expect(list('page[size]=201').size).toBe(200);
    expect(list('page[size]=1000000000000000000000000000000').size).toBe(200);
  });

  it.each(['0', '-1', 'abc', '1e9', '1.5', '', '+1', ' 1', '0x10', '٣'])(
    'of size or number "%s" are refused',
    (value) => {
      const written = encodeURIComponent(value);
      expect(refused(() => list(`page[size]=${written}`))).toBe('invalid_parameter page[size]');
      expect(refused(() => list(`page[number]=${written}`))).toBe('invalid_parameter page[number]');
    },
  );

  it('end before any number that the database could not count to', () => {
    for (const number of [
      '9223372036854775808',
      '9223372036854775807',
      '1000000000000000000',
      '1'.repeat(400),
    ]) {
      expect(refused(() => list(`page[number]=${number}`))).toBe('invalid_parameter page[number]');
    }
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 2n ** 70n }),
        fc.integer({ min: 1, max: 300 }),
        (number, size) => {
          const query = `page[number]=${number}&page[size]=${size}`;
          if (refused(() => list(query)) !== undefined) return;
          const { window } = list(query).page;
          expect(window).toMatchObject({
            kind: 'offset',
            offset: (Number(number) - 1) * Math.min(size, 200),
          });
        },
      ),
      { seed: 7 },
    );
  });

  it('go by cursor when one is given or the profile is asked for', () => {
    const profile = { accept: `application/vnd.api+json;profile="${CURSOR_PROFILE}"` };
    expect(list('page[after]=').page).toMatchObject({
      window: { kind: 'after', place: null, limit: 30 },
      countTotal: false,
    });
    expect(list('page[before]=&page[size]=2').page.window).toEqual({ kind: 'before', place: null, limit: 2 });
    expect(list('', profile)).toMatchObject({
      style: 'cursor',
      page: { window: { kind: 'after', place: null } },
    });
    expect(list('page[number]=2', profile).style).toBe('numbered');
  });

  it.each([
    ['page[after]=&page[size]=201', 'page_too_large page[size]'],
    ['page[after]=&page[before]=', 'range_pagination page[before]'],
    ['page[after]=&page[number]=1', 'invalid_parameter page[number]'],
    ['page[after]=&sort=name', 'unsupported_cursor_sort sort'],
    ['page[after]=&sort=-seen_at,done', 'unsupported_cursor_sort sort'],
    ['page[after]=x', 'invalid_parameter page[after]'],
    ['page[before]=W10', 'invalid_parameter page[before]'],
  ])('by cursor refuse %s', (query, why) => {
    expect(refused(() => list(query))).toBe(why);
  });

  it('keep every parameter but the page for their links', () => {
    expect(
      list('filter[name]=a,b c&sort=-id&page[size]=3&include='.replaceAll(' ', '+')).keptParameters,
    ).toBe('filter%5Bname%5D=a%2Cb%20c&sort=-id&include=');
  });
});
