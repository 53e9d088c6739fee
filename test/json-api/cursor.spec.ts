import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cursorOf, placeOf } from '../../src/json-api/cursor.js';
import { readListQuery } from '../../src/json-api/query.js';
import { sortKeys } from '../../src/json-api/sort.js';
import type { Sort } from '../../src/page.js';
import { asked, thing, thingResource } from './fixtures.js';
import { reasonOf } from './reason-of.js';

const keysOf = (...sort: Sort[]) => sortKeys(sort, thingResource);
const up = (field: string): Sort => ({ field, descending: false });
const down = (field: string): Sort => ({ field, descending: true });

describe('a cursor', () => {
  const things = fc.record({
    id: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String),
    ownerId: fc.integer({ min: 1 }).map(String),
    done: fc.boolean(),
    seenAt: fc.date({ min: new Date('1970-01-01'), max: new Date('9999-01-01'), noInvalidDate: true }),
  });

  it('names the place of its row exactly, for any row', () => {
    const keys = keysOf(down('seenAt'), down('done'), down('ownerId'));
    fc.assert(
      fc.property(things, (changes) => {
        const row = thing(changes.id, changes);
        expect(placeOf(cursorOf(row, keys), keys)).toEqual([row.seenAt, row.done, row.ownerId, row.id]);
      }),
      { seed: 11 },
    );
  });

  it('keeps any text whole', () => {
    const keys = keysOf(up('hidden'));
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        (hidden) => {
          const [key, id] = keys;
          const texts = [{ ...key!, read: () => hidden }, id!];
          expect(placeOf(cursorOf(thing('5'), texts), texts)).toEqual([hidden, '5']);
        },
      ),
      { seed: 12 },
    );
  });

  it('ends at id where the sort names it', () => {
    expect(placeOf(cursorOf(thing('5'), keysOf(down('id'))), keysOf(down('id')))).toEqual(['5']);
  });

  it('is good for its own order only', () => {
    const cursor = cursorOf(thing('5'), keysOf(down('seenAt')));
    expect(placeOf(cursor, keysOf(up('seenAt')))).toBeUndefined();
    expect(placeOf(cursor, keysOf(down('ownerId')))).toBeUndefined();
    expect(placeOf(cursor, keysOf(down('id')))).toBeUndefined();
  });

  it('is nothing that someone made up', () => {
    const keys = keysOf(down('seenAt'));
    const made = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const instant = '2024-01-01T00:00:00.000Z';
    expect(placeOf(made('-seen_at,-id', instant, '5'), keys)).toEqual([new Date(instant), '5']);
    for (const forged of [
      made('-seen_at,-id', 'yesterday', '5'),
      made('-seen_at,-id', instant, "5' OR 1=1"),
      made('-seen_at,-id', instant, '9223372036854775808'),
      made('-seen_at,-id', instant, 5),
      made('-seen_at,-id', instant),
      made('-seen_at,-id', instant, '5', '6'),
      `${made('-seen_at,-id', instant, '5')}=`,
      `${made('-seen_at,-id', instant, '5')} `,
      Buffer.from([0xff, 0xfe]).toString('base64url'),
    ]) {
      expect(placeOf(forged, keys)).toBeUndefined();
    }
    const texts = [{ ...keysOf(up('hidden'))[0]!, kind: 'text' as const }];
    expect(placeOf(made('hidden', 'a\0'), texts)).toBeUndefined();
    expect(placeOf(Buffer.from('["hidden","\\ud800"]').toString('base64url'), texts)).toBeUndefined();
  });

  it('never breaks the query, whatever is sent', () => {
    const texts = fc.oneof(
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const url = `/things?sort=-seen_at&page[after]=${encodeURIComponent(text)}`;
        const reason = reasonOf(() => readListQuery(asked(url), thingResource, []));
        expect(reason).toBe(text === '' ? undefined : 'invalid_parameter');
      }),
      { seed: 13, numRuns: 500 },
    );
  });
});
