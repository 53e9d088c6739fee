import { Bulkhead } from '../bulkhead.js';
import { isGroup, type Page } from '../page.js';

/** How many lists may wait in line. */
const LONGEST_LINE = 100;

/**
 * Runs lists of everybody's rows that may have to look at every row there is: only so many at once that most connections are
 * left to whoever asks for less.
 */
export class BroadLists {
  private readonly bulkhead: Bulkhead;

  /** @param poolSize connections of this process at most */
  constructor(poolSize: number) {
    this.bulkhead = new Bulkhead(Math.max(1, Math.floor(poolSize / 3)), LONGEST_LINE);
  }

  /**
   * Runs a list: at once, unless it may be a broad one.
   * @throws Refusal busy when too many wait already; whatever the list throws
   */
  run<T>(page: Page, list: () => Promise<T>): Promise<T> {
    return mayBeBroad(page) ? this.bulkhead.run(list) : list();
  }
}

/** Whether a page has a filter or an order that may have to look at every row; ids have an index, and when sessions and events came. */
export function mayBeBroad({ filter, sort }: Page): boolean {
  const keepsAll = filter === null || (isGroup(filter) && filter.members.length === 0);
  return !keepsAll || !['id', 'createdAt'].includes(sort[0]?.field ?? 'id');
}
