import { isGroup, type Condition, type FieldKind, type Filter, type Operator, type Value } from '../page.js';

/** How a field of a page is written in SQL. */
interface ColumnOf {
  /** An expression of ours, never one of the request. */
  readonly sql: string;
  readonly kind: FieldKind;
  readonly nullable: boolean;
}

/** Every field that a page may name. */
export type Columns = Readonly<Record<string, ColumnOf>>;

/**
 * The condition of a filter, in brackets; `true` for none. It stands alone as well, for "revoke all that match".
 * `not_eq` and `not_contain` keep rows without a value; `contains` takes no notice of case.
 * @param values the statement's parameters so far; those of the filter are appended
 * @throws Error (a bug) on an unknown field
 */
export function whereOf(columns: Columns, filter: Filter | null, values: unknown[]): string {
  if (filter === null) return 'true';
  if (!isGroup(filter)) return conditionOf(columns, filter, values);
  if (filter.members.length === 0) return filter.combine === 'and' ? 'true' : 'false';
  const members = filter.members.map((member) => whereOf(columns, member, values));
  return `(${members.join(filter.combine === 'and' ? ' AND ' : ' OR ')})`;
}

/** Appends a parameter. @returns how the statement names it */
export function bind(values: unknown[], value: unknown): string {
  return `$${values.push(value)}`;
}

/** @throws Error (a bug: whoever made the page has checked its names) on an unknown field */
export function columnOf(columns: Columns, field: string): ColumnOf {
  const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
  if (column === undefined) throw new Error(`No column for the field ${field}`);
  return column;
}

/** PostgreSQL's type for values of a kind. */
export function typeOf(kind: FieldKind): string {
  return { text: 'text', integer: 'bigint', boolean: 'boolean', instant: 'timestamptz' }[kind];
}

const COMPARISONS: Readonly<Record<Exclude<Operator, 'contains' | 'not_contain'>, string>> = {
  eq: '=',
  not_eq: '<>',
  gt: '>',
  gt_eq: '>=',
  lt: '<',
  lt_eq: '<=',
};

function conditionOf(
  columns: Columns,
  { field, operator, values: wanted }: Condition,
  values: unknown[],
): string {
  const { sql, kind } = columnOf(columns, field);
  switch (operator) {
    case 'contains':
      return `(${sql})::text ILIKE ANY (${bind(values, patterns(wanted))}::text[])`;
    case 'not_contain':
      return `(${sql} IS NULL OR (${sql})::text NOT ILIKE ALL (${bind(values, patterns(wanted))}::text[]))`;
    case 'not_eq':
      return `(${sql} IS NULL OR ${sql} <> ALL (${bind(values, storable(kind, wanted))}::${typeOf(kind)}[]))`;
    default:
      return `${sql} ${COMPARISONS[operator]} ${anyOf(storable(kind, wanted), kind, values)}`;
  }
}

/** One value stands alone: an index whose rows are sorted behind it gives them in order then, which it does not for several. */
function anyOf(wanted: readonly Value[], kind: FieldKind, values: unknown[]): string {
  return wanted.length === 1
    ? `${bind(values, wanted[0])}::${typeOf(kind)}`
    : `ANY (${bind(values, wanted)}::${typeOf(kind)}[])`;
}

function patterns(wanted: readonly Value[]): string[] {
  return withoutNul(wanted).map((value) => `%${String(value).replace(/[\\%_]/g, '\\$&')}%`);
}

const LEAST_BIGINT = -(2n ** 63n);
const GREATEST_BIGINT = 2n ** 63n - 1n;

/** Values that PostgreSQL could not even compare with become ones that it can, with the same outcome. */
function storable(kind: FieldKind, wanted: readonly Value[]): Value[] {
  if (kind !== 'integer') return withoutNul(wanted);
  return wanted.map((value) => {
    const whole = BigInt(value as string);
    return String(whole < LEAST_BIGINT ? LEAST_BIGINT : whole > GREATEST_BIGINT ? GREATEST_BIGINT : whole);
  });
}

/** No text that is stored holds a NUL, so one that does matches nothing. */
function withoutNul(wanted: readonly Value[]): Value[] {
  return wanted.filter((value) => typeof value !== 'string' || !value.includes('\0'));
}
