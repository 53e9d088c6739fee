import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { selectPage } from '../../src/database/select-page.js';
import { whereOf, type Columns } from '../../src/database/where-of.js';
import type { Filter, Operator, Page, Place, Slice, Value } from '../../src/page.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';

const COLUMNS: Columns = {
  id: { sql: 'id', kind: 'integer', nullable: false },
  name: { sql: 'name', kind: 'text', nullable: true },
  machine: { sql: 'machine', kind: 'boolean', nullable: false },
  seenAt: { sql: 'seen_at', kind: 'instant', nullable: false },
};

describe('selectPage', () => {
  let database: TestDatabase;
  let runner: DataSource;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    runner = await new DataSource(dataSourceOptions(database.url, 2, {})).initialize();
    await runner.query(
      'CREATE TABLE things (id bigint PRIMARY KEY, owner int, name text, machine boolean, seen_at timestamptz)',
    );
    await runner.query(`INSERT INTO things VALUES
      (1, 7, 'Laptop',   false, '2026-01-01T10:00:00Z'),
      (2, 7, NULL,       true,  '2026-01-01T11:00:00Z'),
      (3, 7, '50%_off\\', false, '2026-01-01T11:00:00Z'),
      (4, 7, 'ÉTÉ',      true,  '2026-01-02T00:00:00Z'),
      (5, 7, 'laptop',   false, '2026-01-03T00:00:00Z'),
      (6, 8, 'foreign',  false, '2026-01-03T00:00:00Z')`);
  });

  afterAll(async () => {
    await runner.destroy();
    await database.drop();
  });

  const everything: Page = {
    filter: null,
    sort: [],
    window: { kind: 'offset', offset: 0, limit: 100 },
    countTotal: false,
  };

  async function page(wanted: Partial<Page>): Promise<Slice<number>> {
    const query = {
      runner,
      columns: COLUMNS,
      select: 'id',
      from: 'things',
      where: 'owner = $1',
      values: [7],
    };
    const slice = await selectPage<{ id: string }>({ ...query, page: { ...everything, ...wanted } });
    return { ...slice, rows: slice.rows.map(({ id }) => Number(id)) };
  }

  async function kept(filter: Filter): Promise<number[]> {
    return [...(await page({ filter })).rows].sort();
  }

  const when = (field: string, operator: Operator, ...values: Value[]) => ({ field, operator, values });

  describe('filter', () => {
    it('compares integers as numbers and takes any of several values', async () => {
      expect(await kept(when('id', 'eq', '1', '5', '6'))).toEqual([1, 5]);
      expect(await kept(when('id', 'gt', '3'))).toEqual([4, 5]);
      expect(await kept(when('id', 'lt_eq', '2'))).toEqual([1, 2]);
    });

    it('takes integers beyond 64 bits for what they are', async () => {
      const huge = '9'.repeat(40);
      expect(await kept(when('id', 'eq', huge))).toEqual([]);
      expect(await kept(when('id', 'lt', huge))).toHaveLength(5);
      expect(await kept(when('id', 'gt', `-${huge}`))).toHaveLength(5);
    });

    it('keeps rows without a value for not_eq and not_contain', async () => {
      expect(await kept(when('name', 'not_eq', 'Laptop', 'ÉTÉ'))).toEqual([2, 3, 5]);
      expect(await kept(when('name', 'not_contain', 'laptop'))).toEqual([2, 3, 4]);
    });

    it('finds text without regard to case, beyond ASCII too', async () => {
      expect(await kept(when('name', 'contains', 'LAP', 'été'))).toEqual([1, 4, 5]);
      expect(await kept(when('name', 'eq', 'Laptop'))).toEqual([1]);
    });

    it.each(['%', '_', '\\', '50%_off\\'])('takes %s in contains for itself', async (text) => {
      expect(await kept(when('name', 'contains', text))).toEqual([3]);
    });

    it('matches nothing with a NUL, and does not fail', async () => {
      expect(await kept(when('name', 'eq', 'Lap\0top'))).toEqual([]);
      expect(await kept(when('name', 'contains', '\0'))).toEqual([]);
      expect(await kept(when('name', 'not_eq', '\0'))).toHaveLength(5);
    });

    it('compares booleans, and date-times as instants', async () => {
      expect(await kept(when('machine', 'eq', true))).toEqual([2, 4]);
      expect(await kept(when('seenAt', 'eq', new Date('2026-01-01T12:00:00+01:00')))).toEqual([2, 3]);
      expect(await kept(when('seenAt', 'gt_eq', new Date('2026-01-02T00:00:00Z')))).toEqual([4, 5]);
    });

    it('finds no row for an empty list of values, and every row for none of them', async () => {
      expect(await kept(when('id', 'eq'))).toEqual([]);
      expect(await kept(when('id', 'not_eq'))).toHaveLength(5);
    });

    it('combines groups, empty ones included', async () => {
      const laptops: Filter = {
        combine: 'or',
        members: [when('id', 'eq', '1'), when('name', 'eq', 'laptop')],
      };
      expect(await kept(laptops)).toEqual([1, 5]);
      expect(await kept({ combine: 'and', members: [laptops, when('id', 'gt', '1')] })).toEqual([5]);
      expect(await kept({ combine: 'and', members: [] })).toHaveLength(5);
      expect(await kept({ combine: 'or', members: [] })).toEqual([]);
    });

    it('never leaves what the caller may see, whatever the group', async () => {
      expect(
        await kept({ combine: 'or', members: [when('id', 'eq', '6'), when('id', 'gt', '0')] }),
      ).not.toContain(6);
    });

    it('passes values as parameters only', () => {
      const values: unknown[] = ['first'];
      const where = whereOf(COLUMNS, when('name', 'eq', `'; DROP TABLE things; --`), values);
      expect(where).toBe('name = $2::text');
      expect(values[1]).toEqual(`'; DROP TABLE things; --`);
    });

    it.each(['nonsense', 'constructor', '__proto__'])('fails on the unknown field %s', async (field) => {
      await expect(kept(when(field, 'eq', '1'))).rejects.toThrow('No column');
      await expect(page({ sort: [{ field, descending: false }] })).rejects.toThrow('No column');
    });
  });

  describe('order', () => {
    it('is newest first by default', async () => {
      expect((await page({})).rows).toEqual([5, 4, 3, 2, 1]);
    });

    it('is total: rows that are equal stand by id, in the direction of the last field', async () => {
      expect((await page({ sort: [{ field: 'machine', descending: false }] })).rows).toEqual([1, 3, 5, 2, 4]);
      expect((await page({ sort: [{ field: 'machine', descending: true }] })).rows).toEqual([4, 2, 5, 3, 1]);
    });

    it.each([true, false])('puts rows without a value last (descending: %s)', async (descending) => {
      expect((await page({ sort: [{ field: 'name', descending }] })).rows.at(-1)).toBe(2);
    });
  });

  describe('offset window', () => {
    it('says what lies before and after, and counts only when asked', async () => {
      const window = (offset: number) => ({ kind: 'offset', offset, limit: 2 }) as const;
      expect(await page({ window: window(0) })).toEqual({
        rows: [5, 4],
        total: null,
        hasUncounted: false,
        hasPrevious: false,
        hasNext: true,
      });
      expect(await page({ window: window(2), countTotal: true })).toEqual({
        rows: [3, 2],
        total: 5,
        hasUncounted: false,
        hasPrevious: true,
        hasNext: true,
      });
      expect(await page({ window: window(4) })).toMatchObject({
        rows: [1],
        hasPrevious: true,
        hasNext: false,
      });
      expect(await page({ window: window(9), countTotal: true })).toMatchObject({
        rows: [],
        total: 5,
        hasNext: false,
      });
    });

    it('has nothing before an empty list', async () => {
      const window = { kind: 'offset', offset: 10, limit: 2 } as const;
      const nobody = when('id', 'eq', '99');
      expect(await page({ window, filter: nobody, countTotal: true })).toEqual({
        rows: [],
        total: 0,
        hasUncounted: false,
        hasPrevious: false,
        hasNext: false,
      });
    });
  });

  describe('total', () => {
    const listing = { columns: COLUMNS, select: 'id', where: 'true', values: [] };
    const many = (rows: number, wanted: Partial<Page>) =>
      selectPage({
        ...listing,
        runner,
        from: `(SELECT n AS id, NULL::text AS name FROM generate_series(1, ${rows}) n) things`,
        page: { ...everything, window: { kind: 'offset', offset: 0, limit: 2 }, countTotal: true, ...wanted },
      });

    it('is exact up to ten thousand, and beyond says that there are more', async () => {
      expect(await many(10_000, {})).toMatchObject({ total: 10_000, hasUncounted: false, hasNext: true });
      expect(await many(10_001, {})).toMatchObject({ total: 10_000, hasUncounted: true, hasNext: true });
    });

    it('leads on to the end of the list: there is always one more than was passed', async () => {
      const at = (offset: number) => many(20_001, { window: { kind: 'offset', offset, limit: 2 } });
      expect(await at(9_997)).toMatchObject({ total: 10_000, hasUncounted: true });
      expect(await at(9_998)).toMatchObject({ total: 10_001, hasUncounted: true });
      expect(await at(15_000)).toMatchObject({ total: 15_003, hasUncounted: true });
      expect(await at(19_999)).toMatchObject({ total: 20_001, hasUncounted: false });
      expect(await at(30_000)).toMatchObject({ total: 10_000, hasUncounted: true });
    });

    it('is exact however many there are when it is wanted exactly', async () => {
      const exactly = { countTotal: 'exactly' } as const;
      expect(await many(20_001, exactly)).toMatchObject({ total: 20_001, hasUncounted: false });
      const nothingShown = { ...exactly, window: { kind: 'offset', offset: 0, limit: 0 } as const };
      expect(await many(20_001, nothingShown)).toMatchObject({ rows: [], total: 20_001, hasNext: true });
    });

    it.each<[string, Page['window']]>([
      ['the last page of numbered ones', { kind: 'offset', offset: 20_000, limit: 2 }],
      ['a page that holds them all', { kind: 'offset', offset: 0, limit: 20_001 }],
      ['a page from the very start that holds them all', { kind: 'after', place: null, limit: 20_001 }],
      ['a page from the very end that holds them all', { kind: 'before', place: null, limit: 20_001 }],
    ])('is told by %s, which nobody has to count', async (_which, window) => {
      expect(await many(20_001, { window })).toMatchObject({
        total: 20_001,
        hasUncounted: false,
        hasNext: false,
      });
    });

    it('counts behind a page that is past the end', async () => {
      const window = { kind: 'offset', offset: 50, limit: 2 } as const;
      expect(await many(20, { window })).toMatchObject({ rows: [], total: 20, hasUncounted: false });
    });
  });

  it('refuses a filter that takes PostgreSQL too long, and calls any other list that does what it is', async () => {
    const impatient = await new DataSource({
      ...dataSourceOptions(database.url, 2, {}),
      extra: { statement_timeout: 50 },
    }).initialize();
    const slow = {
      runner: impatient,
      columns: { ...COLUMNS, name: { sql: 'name', kind: 'text', nullable: false } } as Columns,
      select: 'id',
      from: `(SELECT 1 AS id, 'a' || random() AS name FROM pg_sleep(5)) things`,
      where: 'true',
      values: [],
    };
    try {
      const broad = { ...everything, filter: when('name', 'contains', 'a') };
      await expect(selectPage({ ...slow, page: broad })).rejects.toMatchObject({ reason: 'too_broad' });
      const byName = { ...everything, sort: [{ field: 'name', descending: true }] };
      await expect(selectPage({ ...slow, page: byName })).rejects.toMatchObject({ reason: 'too_broad' });
      await expect(selectPage({ ...slow, page: everything })).rejects.toMatchObject({
        driverError: { code: '57014' },
      });
    } finally {
      await impatient.destroy();
    }
  });

  describe('cursor window', () => {
    const bySeen = [{ field: 'seenAt', descending: false }];
    const eleven = new Date('2026-01-01T11:00:00Z');
    const after = (place: Place | null, limit = 2) =>
      page({ sort: bySeen, window: { kind: 'after', place, limit } });
    const before = (place: Place | null, limit = 2) =>
      page({ sort: bySeen, window: { kind: 'before', place, limit } });

    it('goes forwards through rows that are equal, without loss or repetition', async () => {
      expect(await after(null)).toMatchObject({ rows: [1, 2], hasPrevious: false, hasNext: true });
      expect(await after([eleven, '2'])).toMatchObject({ rows: [3, 4], hasPrevious: true, hasNext: true });
      expect(await after([new Date('2026-01-02T00:00:00Z'), '4'])).toMatchObject({
        rows: [5],
        hasNext: false,
      });
    });

    it('goes backwards in the same order', async () => {
      expect(await before(null)).toMatchObject({ rows: [4, 5], hasPrevious: true, hasNext: false });
      expect(await before([eleven, '3'])).toMatchObject({ rows: [1, 2], hasPrevious: false, hasNext: true });
    });

    it('goes on from a place whose row is gone', async () => {
      expect(await after([new Date('2026-01-01T10:30:00Z'), '999'], 1)).toMatchObject({
        rows: [2],
        hasPrevious: true,
      });
    });

    it('runs newest first without a sort', async () => {
      const window = { kind: 'after', place: ['4'], limit: 2 } as const;
      expect(await page({ window, countTotal: true })).toEqual({
        rows: [3, 2],
        total: 5,
        hasUncounted: false,
        hasPrevious: true,
        hasNext: true,
      });
    });

    it('starts at the newest, and at the oldest from the other end, in the native default order', async () => {
      const sort = [{ field: 'id', descending: true }];
      const from = (kind: 'after' | 'before') => page({ sort, window: { kind, place: null, limit: 2 } });
      expect(await from('after')).toMatchObject({ rows: [5, 4], hasPrevious: false, hasNext: true });
      expect(await from('before')).toMatchObject({ rows: [2, 1], hasPrevious: true, hasNext: false });
    });

    it('fails on orders that it cannot seek in', async () => {
      const seek = (sort: Page['sort'], place: Place) =>
        page({ sort, window: { kind: 'after', place, limit: 2 } });
      const byName = [{ field: 'name', descending: true }];
      await expect(seek(byName, ['a', '1'])).rejects.toThrow('never null');
      await expect(seek([{ field: 'id', descending: true }, ...bySeen], ['1', eleven, '1'])).rejects.toThrow(
        'one direction',
      );
      await expect(seek(bySeen, [eleven])).rejects.toThrow('a value for each field');
    });
  });
});
