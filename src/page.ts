/**
 * The one list vocabulary: what to keep, in which order, which window of it, and whether the total is
 * wanted. Every API's list style is translated into it. Fields carry the core's own names (`lastActivityAt`).
 */
export interface Page {
  readonly filter: Filter | null;
  /** Orders in turn, made total by `totalOrder`. */
  readonly sort: readonly Sort[];
  readonly window: Window;
  /** `exactly` counts however many there are, which takes as long as reading them all. */
  readonly countTotal: boolean | 'exactly';
}

/** So many rows a total counts; beyond them a list says that there are more. */
export const COUNTED_AT_MOST = 10_000;

export type Filter = Condition | Group;

interface Group {
  readonly combine: 'and' | 'or';
  readonly members: readonly Filter[];
}

/** True for a row when the operator holds for any of the values (`not_eq`, `not_contain`: for all of them). */
export interface Condition {
  readonly field: string;
  readonly operator: Operator;
  readonly values: readonly Value[];
}

export const OPERATORS = ['eq', 'not_eq', 'contains', 'not_contain', 'gt', 'gt_eq', 'lt', 'lt_eq'] as const;
export type Operator = (typeof OPERATORS)[number];

/** An `integer` travels as its decimal string, since ids are 64-bit. */
export type Value = string | boolean | Date;
export type FieldKind = 'text' | 'integer' | 'boolean' | 'instant';

export interface Sort {
  readonly field: string;
  readonly descending: boolean;
}

/** So many rows an offset passes over at most: each of them has to be read. What lies farther is reached from a place. */
export const FARTHEST_OFFSET = 1_000_000;

/** By id, which grows with time: what every list is sorted by unless it is asked for another order. */
export const NEWEST_FIRST: readonly Sort[] = [{ field: 'id', descending: true }];

/**
 * Either so many rows after skipping some, or so many rows strictly after (before) a place in the order.
 * A place is the values of the fields of `totalOrder`; `null` stands for the very start (end).
 */
export type Window =
  | { readonly kind: 'offset'; readonly offset: number; readonly limit: number }
  | { readonly kind: 'after' | 'before'; readonly place: Place | null; readonly limit: number };
export type Place = readonly Value[];

/** What a page comes back as; rows always stand in the order that was asked for. */
export interface Slice<Row> {
  readonly rows: readonly Row[];
  /** How many rows the filter keeps in all, as far as they were counted; null when the total was not wanted. */
  readonly total: number | null;
  /** Whether there are more than `total`. */
  readonly hasUncounted: boolean;
  /** Whether rows exist before the first and after the last one of this slice. */
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
}

/** Whether a part of a filter is a group of parts, and no comparison. */
export function isGroup(filter: Filter): filter is Group {
  return 'combine' in filter;
}

/** Whether any condition of the filter speaks of the field. */
export function mentions(filter: Filter | null, field: string): boolean {
  if (filter === null) return false;
  return isGroup(filter) ? filter.members.some((member) => mentions(member, field)) : filter.field === field;
}

/**
 * The order that a page is read in: `id` at the end, in the direction of the last field that was named (newest first
 * when none was), unless the sort ends with it already. A place holds a value for each of these fields, in turn.
 */
export function totalOrder(sort: readonly Sort[]): readonly Sort[] {
  const last = sort.at(-1);
  return last?.field === 'id' ? sort : [...sort, { field: 'id', descending: last?.descending ?? true }];
}
