import { describe, expect, it } from '@jest/globals';
import { BroadLists } from '../../src/database/broad-lists.js';
import type { Filter, Page, Sort } from '../../src/page.js';

const named: Filter = { field: 'name', operator: 'contains', values: ['a'] };

function page(filter: Filter | null, field?: string): Page {
  const sort: Sort[] = field === undefined ? [] : [{ field, descending: true }];
  return { filter, sort, window: { kind: 'offset', offset: 0, limit: 30 }, countTotal: true };
}

/** A list that takes until it is let go. */
function slow() {
  let letGo = () => {};
  const done = new Promise<void>((resolve) => (letGo = resolve));
  let hasBegun = false;
  return { letGo, list: () => ((hasBegun = true), done), hasBegun: () => hasBegun };
}

describe('lists of everybody', () => {
  it('are run three at a time with ten connections, when they have a filter or an order of their own', async () => {
    const broad = new BroadLists(10);
    const lists = [slow(), slow(), slow(), slow()];
    const runs = lists.map(({ list }, index) =>
      broad.run(index % 2 ? page(named) : page(null, 'name'), list),
    );
    expect(lists.map(({ hasBegun }) => hasBegun())).toEqual([true, true, true, false]);
    lists[0]!.letGo();
    await runs[0];
    await Promise.resolve();
    expect(lists[3]!.hasBegun()).toBe(true);
    for (const { letGo } of lists) letGo();
    await Promise.all(runs);
  });

  it.each([
    ['without a filter', page(null)],
    ['with a group of no filters', page({ combine: 'and', members: [] })],
    ['in the order of their ids', page(null, 'id')],
    ['in the order of their creation', page(null, 'createdAt')],
  ])('%s wait for none of them', (_which, narrow) => {
    const broad = new BroadLists(2);
    const [first, second] = [slow(), slow()];
    void broad.run(page(named), first.list);
    void broad.run(narrow, second.list);
    expect(second.hasBegun()).toBe(true);
  });

  it.each<[string, Page]>([
    ['that are counted to the last', { ...page(null), countTotal: 'exactly' }],
    ['that begin far away', { ...page(null), window: { kind: 'offset', offset: 1_000_000, limit: 30 } }],
  ])('%s wait in line too, for each of their rows is read', (_which, far) => {
    const broad = new BroadLists(2);
    const [first, second] = [slow(), slow()];
    void broad.run(page(named), first.list);
    void broad.run(far, second.list);
    expect(second.hasBegun()).toBe(false);
  });

  it('are told to come back when a hundred wait', async () => {
    const broad = new BroadLists(2);
    const { list, letGo } = slow();
    const runs = Array.from({ length: 101 }, () => broad.run(page(named), list));
    await expect(broad.run(page(named), list)).rejects.toMatchObject({
      reason: 'busy',
      retryAfterSeconds: 2,
    });
    letGo();
    await Promise.all(runs);
  });
});
