import { totalOrder, type FieldKind, type Sort } from '../page.js';
import { Refusal } from '../refusal.js';
import { shown } from './query-string.js';
import { isQueryable, type AnyResource } from './resource.js';

/** One step of a total order, with what a cursor needs to know of it. */
export interface SortKey {
  /** Its name on the wire. */
  readonly name: string;
  readonly descending: boolean;
  readonly kind: FieldKind;
  readonly nullable: boolean;
  read(row: object): unknown;
}

const MAX_KEYS = 5;

/**
 * The order that `sort=-last_activity_at,name` asks for, in the core's names. `id` ends it: nothing can follow.
 * @throws Refusal `unsupported_sort` for unknown or repeated fields, or more than five
 */
export function readSort(value: string, resource: AnyResource): Sort[] {
  const names = value.split(',');
  if (names.length > MAX_KEYS) {
    const detail = `At most ${MAX_KEYS} fields can be sorted by`;
    throw new Refusal('unsupported_sort', { parameter: 'sort', detail });
  }
  const sort: Sort[] = [];
  for (const written of names) {
    const descending = written.startsWith('-');
    const field = fieldOf(descending ? written.slice(1) : written, resource);
    if (field === undefined || sort.some((earlier) => earlier.field === field)) throw unsupported(written);
    sort.push({ field, descending });
  }
  const id = sort.findIndex(({ field }) => field === 'id');
  return id < 0 ? sort : sort.slice(0, id + 1);
}

/** The total order that a sort stands for, as a cursor needs it. */
export function sortKeys(sort: readonly Sort[], resource: AnyResource): SortKey[] {
  return totalOrder(sort).map((step) => keyOf(step, resource));
}

function keyOf({ field, descending }: Sort, resource: AnyResource): SortKey {
  if (field === 'id') {
    return { name: 'id', descending, kind: 'integer', nullable: false, read: (row) => resource.id(row) };
  }
  const [name, attribute] =
    Object.entries(resource.attributes).find(([, candidate]) => candidate.field === field) ?? [];
  if (name === undefined || !isQueryable(attribute)) {
    throw new Error(`${resource.type} cannot be sorted by ${field}`);
  }
  const { kind, nullable = false } = attribute;
  return { name, descending, kind, nullable, read: (row) => attribute.read(row) };
}

function fieldOf(name: string, resource: AnyResource): string | undefined {
  if (name === 'id') return 'id';
  const attribute = Object.hasOwn(resource.attributes, name) ? resource.attributes[name] : undefined;
  return attribute?.field;
}

function unsupported(written: string): Refusal {
  const detail = `Sort by '${shown(written)}' is not supported on this endpoint`;
  return new Refusal('unsupported_sort', { parameter: 'sort', detail });
}
