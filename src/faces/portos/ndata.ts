import type { Filter, Operator, Page, Sort, Value } from '../../page.js';
import { Refusal, type Reason } from '../../refusal.js';
import { shown } from '../../json-api/query-string.js';
import { readInteger, readInstant } from '../../json-api/values.js';
import { AUTHENTICATION_TYPE, fromPortosId } from './translate.js';

/** A list as it was asked for. */
export interface ListRequest {
  readonly page: Page;
  /** Whether only the number is wanted. */
  readonly countOnly: boolean;
  readonly skip: number;
  readonly take: number;
}

/** A member of Session: its name in a page, and how its values are read. */
interface Field {
  readonly field: string;
  readonly kind: 'id' | 'text' | 'integer' | 'instant';
}

/** The members of Session that hold something else in each, by their names in lower case. */
const FIELDS: Readonly<Record<string, Field>> = {
  sessionid: { field: 'id', kind: 'id' },
  'identity.username': { field: 'userEmail', kind: 'text' },
  'identity.devicename': { field: 'deviceName', kind: 'text' },
  'identity.envname': { field: 'environment', kind: 'text' },
  startedat: { field: 'createdAt', kind: 'instant' },
  expiresat: { field: 'expiresAt', kind: 'instant' },
  lastaccessat: { field: 'lastActivityAt', kind: 'instant' },
  _v: { field: 'version', kind: 'integer' },
};
/** The member that holds the same in all of them. */
const SAME_IN_ALL = 'identity.authenticationtype';

/** NData's operators (DECISIONS.md, PORTOS) in the words of a page; `in` and `nin` take several values. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  eq: 'eq',
  neq: 'not_eq',
  gt: 'gt',
  gte: 'gt_eq',
  lt: 'lt',
  lte: 'lt_eq',
  in: 'eq',
  nin: 'not_eq',
  like: 'contains',
};

const EVERYTHING: Filter = { combine: 'and', members: [] };
const NOTHING: Filter = { combine: 'or', members: [] };

const MOST_TAKEN = 1_000;
const MOST_SKIPPED = 2 ** 31 - 1;
const MAX_SORTED = 5;
const MAX_OPERATIONS = 50;
const MAX_ARGUMENTS = 200;

/**
 * The query of `GET /sessions`: NData's paging, sorting and filters (CONTRACTS.md §5.4). Names are read whatever their
 * case; with no `$sort` the oldest comes first, with no `$take` as many as one page may hold.
 * @throws Refusal unsupported_parameter, invalid_parameter, unsupported_filter, unsupported_sort at the parameter
 */
export function readList(query: readonly { readonly name: string; readonly value: string }[]): ListRequest {
  const paging = new Map<string, string>();
  const sort: Sort[] = [];
  const filters: Filter[] = [];
  for (const { name, value } of query) {
    const key = name.toLowerCase();
    if (key === '$sort') sort.push(...value.split(',').flatMap(readSortKey));
    else if (['$skip', '$take', '$count'].includes(key)) {
      if (paging.has(key)) throw refused('invalid_parameter', key, 'is given twice');
      paging.set(key, value);
    } else filters.push(...readFilters(name, value));
  }
  if (filters.length > MAX_OPERATIONS) throw refused('invalid_parameter', 'query', 'has too many operations');
  const skip = readWhole('$skip', paging.get('$skip') ?? '0', MOST_SKIPPED);
  const take = readWhole('$take', paging.get('$take') ?? String(MOST_TAKEN), MOST_TAKEN);
  const countOnly = readFlag('$count', paging.get('$count') ?? 'false');
  const limit = countOnly ? 0 : take;
  const page: Page = {
    filter: filters.length === 0 ? null : { combine: 'and', members: filters },
    sort: readOrder(sort),
    window: { kind: 'offset', offset: countOnly ? 0 : skip, limit },
    // A total that was asked for alone is the whole answer; beside the items it need not be exact to the last.
    countTotal: countOnly ? 'exactly' : true,
  };
  return { page, countOnly, skip, take };
}

/** `key`, `-key`, `key:asc` or `key:desc`. */
function readSortKey(written: string): Sort[] {
  const parts = /^(-?)([\w.]+)(?::(asc|desc))?$/i.exec(written.trim());
  const [, minus = '', name = '', direction = ''] = parts ?? [];
  if (parts === null || (minus !== '' && direction !== '')) throw unsortable(written);
  if (name.toLowerCase() === SAME_IN_ALL) return [];
  const field = fieldOf(name)?.field;
  if (field === undefined) throw unsortable(written);
  return [{ field, descending: minus !== '' || direction.toLowerCase() === 'desc' }];
}

/** Nothing can follow the id; no field orders twice. */
function readOrder(sort: readonly Sort[]): readonly Sort[] {
  if (sort.length > MAX_SORTED)
    throw refused('unsupported_sort', '$sort', `names more than ${MAX_SORTED} keys`);
  if (new Set(sort.map(({ field }) => field)).size < sort.length)
    throw refused('unsupported_sort', '$sort', 'names a key twice');
  const id = sort.findIndex(({ field }) => field === 'id');
  if (id >= 0) return sort.slice(0, id + 1);
  return sort.length > 0 ? sort : [{ field: 'id', descending: false }];
}

/** `member=operation;operation`: each of them has to hold. */
function readFilters(name: string, value: string): Filter[] {
  const field = fieldOf(name);
  if (field === undefined && name.toLowerCase() !== SAME_IN_ALL) {
    throw refused('unsupported_parameter', name);
  }
  return split(name, value, ';').map((operation) => {
    const { operator, argumentTexts } = readOperation(name, operation, field?.kind ?? 'text');
    return field === undefined
      ? holdsForAll(operator, argumentTexts)
      : conditionOf(name, field, operator, argumentTexts);
  });
}

/** `operator:argument`, or a value alone, which is meant to be equal. */
function readOperation(
  name: string,
  operation: string,
  kind: Field['kind'],
): { operator: Operator; argumentTexts: string[] } {
  const [, written, rest = operation] = /^([a-z_]\w*):(.*)$/is.exec(operation) ?? [];
  const key = written?.toLowerCase() ?? 'eq';
  const operator = Object.hasOwn(OPERATORS, key) ? OPERATORS[key] : undefined;
  if (operator === undefined) throw refused('unsupported_filter', name, 'does not know this operator');
  if (key !== 'in' && key !== 'nin') return { operator, argumentTexts: [unquote(name, rest)] };
  // NData parts arguments by colons, the guideline that it follows by commas; a moment in time is full of colons.
  const argumentTexts = split(name, rest, kind === 'instant' ? ',' : ',:').map((part) => unquote(name, part));
  if (argumentTexts.length > MAX_ARGUMENTS)
    throw refused('invalid_parameter', name, 'has too many arguments');
  return { operator, argumentTexts };
}

function conditionOf(name: string, { field, kind }: Field, operator: Operator, texts: string[]): Filter {
  if (operator === 'contains' && kind !== 'text') {
    throw refused('unsupported_filter', name, 'does not know this operator');
  }
  if (kind === 'id' && (operator === 'eq' || operator === 'not_eq')) {
    const known = texts.map(fromPortosId).filter((id) => id !== undefined);
    if (known.length > 0) return { field, operator, values: known };
    return operator === 'eq' ? NOTHING : EVERYTHING; // a text that can be no id is an unknown id
  }
  return { field, operator, values: texts.map((text) => readValue(name, kind, text)) };
}

function readValue(name: string, kind: Field['kind'], text: string): Value {
  const value = {
    id: fromPortosId,
    text: String,
    integer: readInteger,
    instant: readInstant,
  }[kind](text);
  if (value === undefined) throw refused('invalid_parameter', name, 'has an argument of another type');
  return value;
}

/** What a comparison comes to where the member holds the same in every session. */
function holdsForAll(operator: Operator, texts: readonly string[]): Filter {
  const same = AUTHENTICATION_TYPE;
  const holds = {
    eq: texts.includes(same),
    not_eq: !texts.includes(same),
    contains: texts.some((text) => same.toLowerCase().includes(text.toLowerCase())),
    not_contain: false,
    gt: texts.some((text) => same > text),
    gt_eq: texts.some((text) => same >= text),
    lt: texts.some((text) => same < text),
    lt_eq: texts.some((text) => same <= text),
  }[operator];
  return holds ? EVERYTHING : NOTHING;
}

/** The parts between separators; one that stands between double quotes separates nothing. */
function split(name: string, text: string, separators: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"' && (at === start || ':,;'.includes(text.charAt(at - 1))))
      at = endOfQuoted(name, text, at);
    else if (separators.includes(character)) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function endOfQuoted(name: string, text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  if (at >= text.length) throw refused('invalid_parameter', name, 'has a quotation that does not end');
  return at;
}

/** In double quotes anything can stand, with a backslash before a quote or another backslash. */
function unquote(name: string, text: string): string {
  if (!text.startsWith('"')) return text;
  if (endOfQuoted(name, text, 0) < text.length - 1) {
    throw refused('invalid_parameter', name, 'has something behind a quotation');
  }
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}

function fieldOf(name: string): Field | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
}

function readWhole(name: string, text: string, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(value <= most)) throw refused('invalid_parameter', name, `is a whole number from 0 to ${most}`);
  return value;
}

function readFlag(name: string, text: string): boolean {
  const flag = text.toLowerCase();
  if (flag !== 'true' && flag !== 'false') throw refused('invalid_parameter', name, 'is true or false');
  return flag === 'true';
}

function unsortable(written: string): Refusal {
  return refused('unsupported_sort', '$sort', `cannot be sorted by '${shown(written)}'`);
}

function refused(reason: Reason, name: string, detail?: string): Refusal {
  return new Refusal(reason, { parameter: shown(name), ...(detail === undefined ? {} : { detail }) });
}
