import { Bulkhead } from '../bulkhead.js';
import { COUNTED_AT_MOST, isGroup, type Page } from '../page.js';

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

/**
 * Whether a page may have to look at every row, or at very many: by its filter or its order (ids have an index, and when
 * sessions and events came), by counting them all, or by how far it lies.
 */
export function mayBeBroad({ filter, sort, window, countTotal }: Page): boolean {
  const keepsAll = filter === null || (isGroup(filter) && filter.members.length === 0);
  const isInOrder = ['id', 'createdAt'].includes(sort[0]?.field ?? 'id');
  const isFar = window.kind === 'offset' && window.offset > COUNTED_AT_MOST;
  return !keepsAll || !isInOrder || countTotal === 'exactly' || isFar;
}
