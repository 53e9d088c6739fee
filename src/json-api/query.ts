import type { Request } from 'express';
import type { Page, Sort } from '../page.js';
import { Refusal } from '../refusal.js';
import { type FilterResult, readFilters } from './filter.js';
import { PAGE_MEMBERS, type Paging, readPaging } from './paging.js';
import { type Parameter, readParameters, shown, writeParameters } from './query-string.js';
import type { AnyResource } from './resource.js';
import { readSelection, type Selection } from './selection.js';
import { readSort } from './sort.js';

/** What the query of a request about one resource asks for. */
export interface Query extends Selection {
  /** The route's own parameters that were given, e.g. `expires_in`. No prototype. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What the query of a request for a list asks for: the page for the core, and how to answer. */
export interface ListQuery extends Query, Omit<Paging, 'window'> {
  readonly page: Page;
  /** Whether the list of everyone's resources was asked for (`filter[user_id]=all`). */
  readonly everyone: boolean;
  /** Every parameter but `page[…]`, encoded, for the links. */
  readonly keptParameters: string;
}

type Family = 'include' | 'fields' | 'sort' | 'filter' | 'page';
type Sifted = Record<Family, Parameter[]> & { readonly own: Record<string, string> };

/**
 * The query of a route about one resource: `include`, `fields[type]` and its own parameters.
 * @param parameters the names of the route's own parameters
 * @throws Refusal `unsupported_parameter`, `unsupported_include`, `unsupported_field`, and those of `readParameters`
 */
export function readQuery(
  request: Request,
  resource: AnyResource,
  parameters: readonly string[] = [],
): Query {
  const sifted = sift(request, ['include', 'fields'], parameters);
  return { ...readSelection(sifted.include[0], sifted.fields, resource), parameters: sifted.own };
}

/**
 * The query of a list: `include`, `fields[type]`, `sort`, `filter[…]`, and `page[…]` by number or by cursor.
 * @param defaultSort in the core's names; used when `sort` is not given
 * @throws Refusal like `readQuery`, and `unsupported_sort`, `unsupported_filter`, `invalid_parameter`,
 *   `page_too_large`, `range_pagination`, `unsupported_cursor_sort`
 */
export function readListQuery(
  request: Request,
  resource: AnyResource,
  defaultSort: readonly Sort[],
): ListQuery {
  const sifted = sift(request, ['include', 'fields', 'sort', 'filter', 'page']);
  const [sortParameter] = sifted.sort;
  const sort = sortParameter === undefined ? defaultSort : readSort(sortParameter.value, resource);
  const { filter, everyone } = readFilters(sifted.filter, resource);
  const { window, ...paging } = readPaging(sifted.page, request.headers.accept, sort, resource);
  const kept = [...sifted.filter, ...sifted.sort, ...sifted.include, ...sifted.fields];
  return {
    ...readSelection(sifted.include[0], sifted.fields, resource),
    parameters: sifted.own,
    ...paging,
    page: { filter, sort, window, countTotal: paging.style === 'numbered' },
    everyone,
    keptParameters: writeParameters(kept.map(({ name, value }) => [name, value])),
  };
}

/**
 * For routes that take a list's filters and no other parameter.
 * @throws Refusal `unsupported_parameter`, `unsupported_filter`, `invalid_parameter`
 */
export function readFilter(request: Request, resource: AnyResource): FilterResult {
  return readFilters(sift(request, ['filter']).filter, resource);
}

function sift(request: Request, families: readonly Family[], own: readonly string[] = []): Sifted {
  const sifted: Sifted = {
    include: [],
    fields: [],
    sort: [],
    filter: [],
    page: [],
    own: Object.create(null) as Record<string, string>,
  };
  for (const parameter of readParameters(request)) {
    const family = families.find((candidate) => belongs(parameter, candidate));
    if (family !== undefined) sifted[family].push(parameter);
    else if (own.includes(parameter.name)) sifted.own[parameter.name] = parameter.value;
    else throw new Refusal('unsupported_parameter', { parameter: shown(parameter.name) });
  }
  return sifted;
}

function belongs({ base, path }: Parameter, family: Family): boolean {
  if (base !== family) return false;
  switch (family) {
    case 'include':
    case 'sort':
      return path.length === 0;
    case 'fields':
      return path.length === 1;
    case 'filter':
      return path.length > 0;
    case 'page':
      return path.length === 1 && PAGE_MEMBERS.includes(path[0] ?? '');
  }
}
