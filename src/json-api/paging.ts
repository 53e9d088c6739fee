import { FARTHEST_OFFSET, type Sort, type Window } from '../page.js';
import { Refusal } from '../refusal.js';
import { placeOf } from './cursor.js';
import { asksForProfile, CURSOR_PROFILE } from './media-type.js';
import type { Parameter } from './query-string.js';
import type { AnyResource } from './resource.js';
import { sortKeys } from './sort.js';

export const DEFAULT_PAGE_SIZE = 30;
export const MAX_PAGE_SIZE = 200;

/** The window of a list, and the style in which its links are written. */
export interface Paging {
  readonly style: 'numbered' | 'cursor';
  /** From 1; always 1 in cursor style. */
  readonly number: number;
  /** Rows on a page, 1 to 200. */
  readonly size: number;
  readonly window: Window;
}

export const PAGE_MEMBERS: readonly string[] = ['number', 'size', 'after', 'before'];

/**
 * Numbered pages, or cursors when `page[after]` or `page[before]` is given or Accept names the profile and no
 * number is (DECISIONS.md, Native 9). An empty cursor stands for the very start or end.
 * @param parameters the parameters `page[…]`, each at most once
 * @throws Refusal `invalid_parameter`, and with cursors `page_too_large`, `range_pagination`,
 *   `unsupported_cursor_sort`
 */
export function readPaging(
  parameters: readonly Parameter[],
  accept: string | undefined,
  sort: readonly Sort[],
  resource: AnyResource,
): Paging {
  const sent = new Map(parameters.map(({ path, value }) => [path[0], value]));
  const wanted = readSize(sent.get('size'));
  const size = Math.min(wanted, MAX_PAGE_SIZE);
  const byCursor = sent.has('after') || sent.has('before');
  if (!byCursor && (sent.has('number') || !asksForProfile(accept, CURSOR_PROFILE))) {
    const number = readNumber(sent.get('number'), size);
    return {
      style: 'numbered',
      number,
      size,
      window: { kind: 'offset', offset: (number - 1) * size, limit: size },
    };
  }
  if (sent.has('number')) throw invalid('number', 'page[number] does not go with a cursor');
  if (sent.has('after') && sent.has('before'))
    throw new Refusal('range_pagination', { parameter: 'page[before]' });
  if (wanted > MAX_PAGE_SIZE) throw new Refusal('page_too_large', { parameter: 'page[size]' });
  const kind = sent.has('before') ? 'before' : 'after';
  const cursor = sent.get(kind) ?? '';
  return {
    style: 'cursor',
    number: 1,
    size,
    window: { kind, place: readPlace(kind, cursor, sort, resource), limit: size },
  };
}

function readPlace(kind: 'after' | 'before', cursor: string, sort: readonly Sort[], resource: AnyResource) {
  const keys = sortKeys(sort, resource);
  const mixed = sort.some(({ descending }) => descending !== sort[0]?.descending);
  if (mixed || keys.some(({ nullable }) => nullable)) {
    throw new Refusal('unsupported_cursor_sort', { parameter: 'sort' });
  }
  if (cursor === '') return null;
  const place = placeOf(cursor, keys);
  if (place === undefined) throw invalid(kind, `page[${kind}] is no cursor of this order`);
  return place;
}

function readSize(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PAGE_SIZE;
  const size = /^\d+$/.test(text) ? Number(text) : 0;
  if (size < 1) throw invalid('size', 'page[size] must be a whole number from 1');
  return size;
}

function readNumber(text: string | undefined, size: number): number {
  if (text === undefined) return 1;
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (number < 1) throw invalid('number', 'page[number] must be a whole number from 1');
  if ((number - 1) * size > FARTHEST_OFFSET) {
    throw invalid('number', `Pages by number reach ${FARTHEST_OFFSET} resources far: go on by page[after]`);
  }
  return number;
}

function invalid(member: string, detail: string): Refusal {
  return new Refusal('invalid_parameter', { parameter: `page[${member}]`, detail });
}
