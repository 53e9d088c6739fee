import { isId } from '../../json-api/path-id.js';
import {
  FARTHEST_OFFSET,
  NEWEST_FIRST,
  type Filter,
  type Operator,
  type Page,
  type Sort,
} from '../../page.js';
import { Refusal } from '../../refusal.js';
import { invalid, type Message } from './protojson.js';

const MOST_QUERIES = 20;
const MOST_IDS = 1_000;
const LONGEST_PAGE = 1_000;
const LONGEST_ID = 200;

const QUERIES = [
  'idsQuery',
  'userIdQuery',
  'creationDateQuery',
  'expirationDateQuery',
  'creatorQuery',
  'userAgentQuery',
] as const;
const METHODS = [
  'TIMESTAMP_QUERY_METHOD_EQUALS',
  'TIMESTAMP_QUERY_METHOD_GREATER',
  'TIMESTAMP_QUERY_METHOD_GREATER_OR_EQUALS',
  'TIMESTAMP_QUERY_METHOD_LESS',
  'TIMESTAMP_QUERY_METHOD_LESS_OR_EQUALS',
] as const;
const OPERATORS: Readonly<Record<(typeof METHODS)[number], Operator>> = {
  TIMESTAMP_QUERY_METHOD_EQUALS: 'eq',
  TIMESTAMP_QUERY_METHOD_GREATER: 'gt',
  TIMESTAMP_QUERY_METHOD_GREATER_OR_EQUALS: 'gt_eq',
  TIMESTAMP_QUERY_METHOD_LESS: 'lt',
  TIMESTAMP_QUERY_METHOD_LESS_OR_EQUALS: 'lt_eq',
};
const COLUMNS = ['SESSION_FIELD_NAME_UNSPECIFIED', 'SESSION_FIELD_NAME_CREATION_DATE'] as const;

/** Who searches: queries may ask for what is theirs without naming it. */
export interface Searcher {
  readonly userId: string;
  readonly fingerprint: string | null;
}

/**
 * The page that ListSessionsRequest asks for.
 * @throws Refusal invalid_document; unsupported_filter for a query that is none of the six; invalid_parameter for what
 *   a query lacks; page_too_large past a limit
 */
export function readSearch(request: Message, searcher: Searcher): Page {
  const query = request.message('query');
  const offset = query?.whole('offset') ?? 0;
  const limit = query?.whole('limit') || LONGEST_PAGE;
  const queries = request.messages('queries');
  if (limit > LONGEST_PAGE || offset > FARTHEST_OFFSET || queries.length > MOST_QUERIES) {
    throw new Refusal('page_too_large');
  }
  return {
    filter: { combine: 'and', members: queries.map((member) => readQuery(member, searcher)) },
    sort: readSort(request, query?.bool('asc') ?? false),
    window: { kind: 'offset', offset, limit },
    countTotal: true,
  };
}

function readSort(request: Message, ascending: boolean): readonly Sort[] {
  const column = request.enum('sortingColumn', COLUMNS);
  if (column === 'SESSION_FIELD_NAME_UNSPECIFIED') return NEWEST_FIRST; // `asc` is without effect then
  return [{ field: 'createdAt', descending: !ascending }];
}

function readQuery(member: Message, searcher: Searcher): Filter {
  const name = member.oneOf(QUERIES);
  if (name === undefined) throw new Refusal('unsupported_filter');
  const query = member.message(name)!;
  switch (name) {
    case 'idsQuery': {
      const ids = query.texts('ids', LONGEST_ID);
      if (ids.length > MOST_IDS) throw new Refusal('page_too_large');
      return ofIds('id', ids);
    }
    case 'userIdQuery':
      return ofIds('userId', [query.text('id', LONGEST_ID) ?? '']);
    case 'creationDateQuery':
      return ofInstant(query, 'creationDate', 'createdAt');
    case 'expirationDateQuery':
      return ofExpiry(query);
    case 'creatorQuery': {
      const id = query.text('id', LONGEST_ID) ?? searcher.userId;
      if (id === '') throw new Refusal('invalid_parameter', { parameter: name });
      return ofIds('creatorId', [id]);
    }
    case 'userAgentQuery': {
      const fingerprint = query.text('fingerprintId', LONGEST_ID) ?? searcher.fingerprint ?? '';
      if (fingerprint === '') throw new Refusal('invalid_parameter', { parameter: name });
      return { field: 'fingerprint', operator: 'eq', values: [fingerprint] };
    }
  }
}

/** An id of a wrong alphabet is an unknown one. */
function ofIds(field: string, ids: readonly string[]): Filter {
  return { field, operator: 'eq', values: ids.filter(isId) };
}

function ofInstant(query: Message, name: string, field: string): Filter {
  const instant = query.timestamp(name);
  if (instant === undefined) throw invalid(query.at(name));
  return { field, operator: OPERATORS[query.enum('method', METHODS)], values: [instant] };
}

/** What never expires expires later than at any date (CONTRACTS.md, 7.10). */
function ofExpiry(query: Message): Filter {
  const filter = ofInstant(query, 'expirationDate', 'expiresAt');
  if (!query.enum('method', METHODS).includes('GREATER')) return filter;
  return {
    combine: 'or',
    members: [filter, { field: 'neverExpires', operator: 'eq', values: [true] }],
  };
}
