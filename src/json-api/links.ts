import type { Request, Response } from 'express';
import { FARTHEST_OFFSET, type Slice } from '../page.js';
import type { ListQuery } from './query.js';
import { writeParameters } from './query-string.js';

/** A path below PUBLIC_URL as an absolute link. */
export function absolute(response: Response, path: string): string {
  return `${response.app.locals.publicUrl as string}${path}`;
}

/** How many pages a numbered list has; 0 for an empty one. */
export function totalPages(total: number, size: number): number {
  return Math.ceil(total / size);
}

/**
 * `first` and `last` always, `prev` and `next` only where there is such a page (DECISIONS.md, Native 9). Of a list that
 * was not counted to its end nobody knows the last page: it has no `last`.
 */
export function numberedLinks(
  request: Request,
  query: ListQuery,
  { total, hasUncounted, hasNext }: Pick<Slice<unknown>, 'hasUncounted' | 'hasNext'> & { total: number },
): Record<string, string> {
  const last = Math.max(1, totalPages(total, query.size));
  const page = (number: number) => link(request, query, [['page[number]', String(number)]]);
  const previous = hasUncounted ? query.number - 1 : Math.min(query.number - 1, last);
  const isThereMore = query.number < last || (hasUncounted && hasNext);
  return {
    first: page(1),
    ...(hasUncounted ? {} : { last: page(last) }),
    ...(query.number > 1 ? { prev: page(previous) } : {}),
    ...(isThereMore && query.number * query.size <= FARTHEST_OFFSET ? { next: page(query.number + 1) } : {}),
  };
}

/**
 * `first`, `prev` and `next` of the cursor pagination profile, the latter two null at the ends.
 * @param cursors of the slice's rows, in their order
 */
export function cursorLinks(
  request: Request,
  query: ListQuery,
  slice: Slice<unknown>,
  cursors: readonly string[],
): Record<string, string | null> {
  const page = (member: 'after' | 'before', cursor = '') =>
    link(request, query, [[`page[${member}]`, cursor]]);
  return {
    first: page('after'),
    // Past an end there is no row to start from, but the empty cursor of that end leads back.
    prev: slice.hasPrevious ? page('before', cursors[0]) : null,
    next: slice.hasNext ? page('after', cursors.at(-1)) : null,
  };
}

function link(request: Request, query: ListQuery, place: readonly (readonly [string, string])[]): string {
  const paging = writeParameters([...place, ['page[size]', String(query.size)]]);
  const kept = query.keptParameters === '' ? '' : `${query.keptParameters}&`;
  return `${absolute(request.res!, request.baseUrl + request.path)}?${kept}${paging}`;
}
