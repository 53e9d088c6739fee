import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFilter } from '../../src/json-api/query.js';
import { readInstant, readInteger } from '../../src/json-api/values.js';
import { type Filter, isGroup, OPERATORS } from '../../src/page.js';
import { asked, thingResource } from './fixtures.js';
import { problemsOf } from './reason-of.js';

const read = (query: string) => readFilter(asked(`/things?${query}`), thingResource);
const refused = (query: string) => problemsOf(() => read(query))[0];
const is = (field: string, ...values: unknown[]) => ({ field, operator: 'eq', values });

describe('filters', () => {
  it('mean any of the values, by comma or repeated, in the kind of the field', () => {
    expect(read('')).toEqual({ filter: null, everyone: false });
    expect(read('filter[name]=a,b')).toEqual({ filter: is('name', 'a', 'b'), everyone: false });
    expect(read('filter[owner_id]=1&filter[owner_id]=%2D2,007').filter).toEqual(
      is('ownerId', '1', '-2', '7'),
    );
    expect(read('filter[done][not_eq]=true').filter).toEqual({
      field: 'done',
      operator: 'not_eq',
      values: [true],
    });
    expect(read('filter[seen_at][gt]=2024-04-18').filter).toEqual({
      field: 'seenAt',
      operator: 'gt',
      values: [new Date('2024-04-18T00:00:00Z')],
    });
  });

  it('hold together, or one of them, in groups', () => {
    expect(read('filter[name]=a&filter[done]=true').filter).toEqual({
      combine: 'and',
      members: [is('name', 'a'), is('done', true)],
    });
    expect(
      read(
        'filter[$op]=or&filter[0][name][eq]=a&filter[1][$op]=and&filter[1][0][name]=b&filter[1][1][done]=false',
      ).filter,
    ).toEqual({
      combine: 'or',
      members: [is('name', 'a'), { combine: 'and', members: [is('name', 'b'), is('done', false)] }],
    });
    expect(read('filter[$op]=or').filter).toBeNull();
    expect(read('filter[0][1][2][name]=a').filter).toEqual(is('name', 'a'));
  });

  it('are for everyone where the field allows it, alone and outside of groups', () => {
    expect(read('filter[owner_id]=all')).toEqual({ filter: null, everyone: true });
    expect(read('filter[owner_id]=all&filter[done]=true')).toEqual({
      filter: is('done', true),
      everyone: true,
    });
    for (const query of [
      'filter[owner_id]=all,1',
      'filter[owner_id]=all&filter[owner_id]=1',
      'filter[0][owner_id]=all',
      'filter[$op]=or&filter[owner_id]=all',
      'filter[owner_id][not_eq]=all',
    ]) {
      expect(refused(query)?.reason).toBe('invalid_parameter');
    }
    expect(read('filter[name]=all').filter).toEqual(is('name', 'all'));
  });

  it.each([
    ['filter[nobody]=1', "Filter 'nobody' is not supported on this endpoint"],
    ['filter[token]=1', "Filter 'token' is not supported on this endpoint"],
    ['filter[tags]=1', "Filter 'tags' is not supported on this endpoint"],
    ['filter[__proto__]=1', "Filter '__proto__' is not supported on this endpoint"],
    ['filter[name][eq][x]=1', "Filter 'name' is not supported on this endpoint"],
    ['filter[]=1', "Filter '' is not supported on this endpoint"],
    ['filter[0]=1', "Filter '' is not supported on this endpoint"],
    [`filter[${'x'.repeat(60)}]=1`, `Filter '${'x'.repeat(50)}' is not supported on this endpoint`],
    ['filter[a%22%3Cb]=1', "Filter 'ab' is not supported on this endpoint"],
    ['filter[name][regex]=1', "Filter 'name' does not support this operator"],
    ['filter[done][gt]=true', "Filter 'done' does not support this operator"],
    ['filter[owner_id][contains]=1', "Filter 'owner_id' does not support this operator"],
  ])('%s is refused', (query, detail) => {
    expect(refused(query)).toMatchObject({ reason: 'unsupported_filter', detail });
  });

  it.each([
    ['filter[owner_id]=abc', 'filter[owner_id]'],
    ['filter[owner_id]=', 'filter[owner_id]'],
    ['filter[owner_id]=9223372036854775808', 'filter[owner_id]'],
    ['filter[done]=TRUE', 'filter[done]'],
    ['filter[done]=1', 'filter[done]'],
    ['filter[seen_at][lt]=yesterday', 'filter[seen_at][lt]'],
    ['filter[seen_at]=2024-02-30', 'filter[seen_at]'],
    ['filter[$op]=xor', 'filter[$op]'],
    ['filter[0][1][2][3][name]=a', 'filter'],
    [Array.from({ length: 51 }, (_, index) => `filter[${index}][name]=a`).join('&'), 'filter'],
    [`filter[name]=${'a,'.repeat(200)}`, 'filter[name]'],
  ])('%s is invalid', (query, parameter) => {
    expect(refused(query)).toMatchObject({ reason: 'invalid_parameter', parameter });
  });

  it('come back as they were written, whatever tree of groups', () => {
    const condition = fc.record({
      name: fc.constantFrom('name', 'owner_id'),
      operator: fc.constantFrom(...OPERATORS.filter((operator) => !operator.includes('contain'))),
      value: fc.integer().map(String),
    });
    const group = fc.record({
      op: fc.constantFrom('and', 'or'),
      members: fc.array(condition, { minLength: 2, maxLength: 4 }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom('and', 'or'),
        fc.array(group, { minLength: 2, maxLength: 5 }),
        (op, groups) => {
          const query = groups.flatMap((inner, at) => [
            `filter[${at}][$op]=${inner.op}`,
            ...inner.members.map(
              (each, of) => `filter[${at}][${of}][${each.name}][${each.operator}]=${each.value}`,
            ),
          ]);
          const { filter } = read([`filter[$op]=${op}`, ...query].join('&'));
          const expected = {
            combine: op,
            members: groups.map((inner) => ({
              combine: inner.op,
              members: inner.members.map(({ name, operator, value }) => ({
                field: name === 'name' ? 'name' : 'ownerId',
                operator,
                values: [name === 'name' ? value : value.replace(/^-0$/, '0')],
              })),
            })),
          };
          expect(filter).toEqual(expected);
          expect(conditions(filter)).toBe(groups.flatMap(({ members }) => members).length);
        },
      ),
      { seed: 8 },
    );
  });
});

function conditions(filter: Filter | null): number {
  if (filter === null) return 0;
  return isGroup(filter) ? filter.members.reduce((sum, member) => sum + conditions(member), 0) : 1;
}

describe('values', () => {
  it('are whole numbers exactly within 64 bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), (number) => {
        const fits = number >= -(2n ** 63n) && number < 2n ** 63n;
        expect(readInteger(String(number))).toBe(fits ? String(number) : undefined);
      }),
      { seed: 9 },
    );
    for (const text of ['', '1.0', '1e3', '+1', ' 1', '0x1', '--1', '١'])
      expect(readInteger(text)).toBeUndefined();
  });

  it('are instants that agree with Date on every instant', () => {
    fc.assert(
      fc.property(
        fc.date({
          min: new Date('0001-01-02T00:00:00Z'),
          max: new Date('9999-12-30T00:00:00Z'),
          noInvalidDate: true,
        }),
        (date) => {
          expect(readInstant(date.toISOString())).toEqual(date);
          expect(readInstant(date.toISOString().replace('Z', '+00:00'))).toEqual(date);
        },
      ),
      { seed: 10 },
    );
    expect(readInstant('2024-04-18T06:02:03.470+02:00')?.toISOString()).toBe('2024-04-18T04:02:03.470Z');
    expect(readInstant('2024-04-18T06:02:03.470 02:00')?.toISOString()).toBe('2024-04-18T04:02:03.470Z');
    expect(readInstant('2024-04-18T06:02-0130')?.toISOString()).toBe('2024-04-18T07:32:00.000Z');
    expect(readInstant('2024-02-29T23:59:59.999999999Z')?.toISOString()).toBe('2024-02-29T23:59:59.999Z');
    expect(readInstant('9999-12-31T23:59:59-23:59')).toBeUndefined();
  });

  it.each([
    '',
    '2024',
    '2024-13-01',
    '2023-02-29',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:00:00',
    '0000-01-01',
    '1713412984',
    '2024-01-01T00:00:61Z',
    '2024-01-01T00:00:00+24:00',
  ])('are no instant: "%s"', (text) => {
    expect(readInstant(text)).toBeUndefined();
  });
});
