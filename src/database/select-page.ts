import { QueryFailedError, type DataSource, type EntityManager } from 'typeorm';
import { COUNTED_AT_MOST, totalOrder, type Page, type Place, type Slice, type Sort } from '../page.js';
import { Refusal } from '../refusal.js';
import { mayBeBroad } from './broad-lists.js';
import { preparedByText } from './prepared.js';
import { bind, columnOf, typeOf, whereOf, type Columns } from './where-of.js';

/** A page and where it is read. */
export interface PagedSelect {
  readonly runner: DataSource | EntityManager;
  /** Every field that the page may name; `id` must be among them. */
  readonly columns: Columns;
  readonly page: Page;
  /** The select list, e.g. `id, user_id AS "userId"`. */
  readonly select: string;
  /** The table; what a field of the page is written of. */
  readonly from: string;
  /** Joins that add a row of another table to each row, and take none away: made for the rows of the page alone. */
  readonly beside?: { readonly alias: string; readonly joins: string };
  /** What holds whatever the page asks for; its parameters are $1, $2 … */
  readonly where: string;
  /**
   * With `beside`: conditions of which each row of the list fulfils exactly one. Each is read by an index of its own, in
   * the order of the page; one condition over all of them would read them all.
   */
  readonly apart?: readonly string[];
  /** The parameters of `where`. */
  readonly values: readonly unknown[];
}

/**
 * Runs a page: its filter within `where`, its order (see `totalOrder`), its window, and its total when wanted (a
 * second statement where the rows do not tell it). Nulls come last in both directions. Cursor windows need fields that
 * are never null and of one direction.
 * @throws Refusal too_broad for a filter or an order that PostgreSQL did not get through in time
 * @throws Error (a bug) on an unknown field, a nullable or mixed cursor order, a place of the wrong length
 */
export async function selectPage<Row>(query: PagedSelect): Promise<Slice<Row>> {
  try {
    return await run(query);
  } catch (error) {
    throw mayBeBroad(query.page) && ranOutOfTime(error) ? new Refusal('too_broad') : error;
  }
}

async function run<Row>(query: PagedSelect): Promise<Slice<Row>> {
  const values = [...query.values];
  const kept = `(${query.where}) AND ${whereOf(query.columns, query.page.filter, values)}`;
  const scope = { query, order: totalOrder(query.page.sort), kept, values };
  const { window, countTotal } = query.page;
  const slice =
    window.kind === 'offset'
      ? await skip<Row>(scope, window.offset, window.limit)
      : await seek<Row>(scope, window.kind, window.place, window.limit);
  const counted = countTotal === false ? UNCOUNTED : (told(query.page, slice) ?? (await count(scope, slice)));
  // Past the end of an empty list there is still nothing before.
  return { ...slice, hasPrevious: slice.hasPrevious && counted.total !== 0, ...counted };
}

/** PostgreSQL's query_canceled: by statement_timeout. */
function ranOutOfTime(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code === '57014';
}

interface Scope {
  readonly query: PagedSelect;
  readonly order: readonly Sort[];
  /** The condition that every row of the whole list fulfils, and its parameters. */
  readonly kept: string;
  readonly values: readonly unknown[];
}
type Counted = Pick<Slice<unknown>, 'total' | 'hasUncounted'>;
type Part<Row> = Omit<Slice<Row>, keyof Counted>;

const UNCOUNTED: Counted = { total: null, hasUncounted: false };

/** The total of a list whose end stands on the page, when the rows before the page are known; else null. */
function told({ window }: Page, { rows, hasPrevious, hasNext }: Part<unknown>): Counted | null {
  if (window.kind === 'offset') {
    const isPastTheEnd = rows.length === 0 && window.offset > 0;
    return hasNext || isPastTheEnd ? null : { total: window.offset + rows.length, hasUncounted: false };
  }
  return hasNext || hasPrevious ? null : { total: rows.length, hasUncounted: false };
}

async function count({ query, kept, values }: Scope, slice: Part<unknown>): Promise<Counted> {
  const all = query.page.countTotal === 'exactly';
  const counted = all ? [...values] : [...values, COUNTED_AT_MOST + 1];
  const bound = all ? '' : `LIMIT $${counted.length}`;
  const text = `SELECT count(*) AS total FROM (SELECT FROM (${rowsOf(query, '', kept, bound)}) kept ${bound}) counted`;
  const [row] = await preparedByText<{ total: string }>(query.runner, text, counted);
  const total = Number(row?.total);
  if (all || total <= COUNTED_AT_MOST) return { total, hasUncounted: false };
  // Whoever goes on while rows are left of the total comes to the end of the list.
  const { window } = query.page;
  const seen = window.kind === 'offset' ? window.offset + slice.rows.length + (slice.hasNext ? 1 : 0) : 0;
  return { total: Math.max(COUNTED_AT_MOST, slice.rows.length === 0 ? 0 : seen), hasUncounted: true };
}

async function skip<Row>(scope: Scope, offset: number, limit: number): Promise<Part<Row>> {
  const rows = await read<Row>(scope, scope.kept, scope.values, scope.order, limit + 1, offset);
  return { rows: rows.slice(0, limit), hasPrevious: offset > 0, hasNext: rows.length > limit };
}

async function seek<Row>(
  scope: Scope,
  kind: 'after' | 'before',
  place: Place | null,
  limit: number,
): Promise<Part<Row>> {
  const backwards = kind === 'before';
  const order = scope.order.map(({ field, descending }) => ({ field, descending: descending !== backwards }));
  const values = [...scope.values];
  const sides = place === null ? null : placed(scope.query.columns, order, place, values);
  // Both written out: PostgreSQL does not turn NOT (a, b) < (x, y) into what an index can serve.
  const where = (operator: '<' | '>' | '<=' | '>=') =>
    sides === null ? scope.kept : `${scope.kept} AND ${sides.left} ${operator} ${sides.right}`;
  const descending = order[0]?.descending ?? true;
  const found = await read<Row>(scope, where(descending ? '<' : '>'), values, order, limit + 1, 0);
  const rows = found.slice(0, limit);
  const more = found.length > limit;
  const passed = place !== null && (await anyRow(scope, where(descending ? '>=' : '<='), values));
  return backwards
    ? { rows: rows.reverse(), hasPrevious: more, hasNext: passed }
    : { rows, hasPrevious: passed, hasNext: more };
}

async function read<Row>(
  { query }: Scope,
  where: string,
  parameters: readonly unknown[],
  order: readonly Sort[],
  limit: number,
  offset: number,
): Promise<Row[]> {
  const values = [...parameters];
  const by = order.map(({ field, descending }) => {
    const { sql, nullable } = columnOf(query.columns, field);
    // Not written where there are no nulls: an index that runs backwards could not serve it.
    return `${sql} ${descending ? 'DESC' : 'ASC'}${nullable ? ' NULLS LAST' : ''}`;
  });
  const { select, beside, apart } = query;
  const sorted = `ORDER BY ${by.join(', ')}`;
  const page = `${sorted} LIMIT ${bind(values, limit)} OFFSET ${bind(values, offset)}`;
  if (beside === undefined) {
    return preparedByText<Row>(query.runner, rowsOf(query, select, where, page), values);
  }
  const { alias, joins } = beside;
  const first = apart && `${sorted} LIMIT ${bind(values, offset + limit)}`;
  const rows = rowsOf(query, `${alias}.*`, where, first ?? page);
  const text = `SELECT ${select} FROM (SELECT * FROM (${rows}) ${alias} ${first ? page : ''}) ${alias} ${joins} ${sorted}`;
  return preparedByText<Row>(query.runner, text, values);
}

/** The rows of the list that a condition keeps: of those apart, each kind by itself. */
function rowsOf({ from, apart }: PagedSelect, select: string, where: string, tail: string): string {
  const rows = (kept: string) => `SELECT ${select} FROM ${from} WHERE ${kept} ${tail}`;
  return (
    apart?.map((condition) => `(${rows(`${where} AND ${condition}`)})`).join(' UNION ALL ') ?? rows(where)
  );
}

async function anyRow({ query }: Scope, where: string, values: readonly unknown[]): Promise<boolean> {
  const text = `SELECT EXISTS (${rowsOf(query, '', where, '')}) AS found`;
  const [row] = await preparedByText<{ found: boolean }>(query.runner, text, values);
  return row?.found === true;
}

/** The two sides of a comparison of rows with the place, which an index on these columns can serve. */
function placed(
  columns: Columns,
  order: readonly Sort[],
  place: Place,
  values: unknown[],
): { left: string; right: string } {
  const named = order.map(({ field }) => columnOf(columns, field));
  const descending = order[0]?.descending ?? true;
  if (order.some((sort) => sort.descending !== descending)) throw new Error('A cursor needs one direction');
  if (named.some((column) => column.nullable)) throw new Error('A cursor needs fields that are never null');
  if (place.length !== order.length) throw new Error('A place needs a value for each field of the order');
  const left = named.map(({ sql }) => sql);
  const right = named.map(({ kind }, index) => `${bind(values, place[index])}::${typeOf(kind)}`);
  return { left: `(${left.join(', ')})`, right: `(${right.join(', ')})` };
}
