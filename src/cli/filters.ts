import type { Filter } from '../page.js';

/** Rows whose field has this value. */
export function equals(field: string, value: string | boolean): Filter {
  return { field, operator: 'eq', values: [value] };
}

/** Rows that every member keeps. */
export function all(members: readonly Filter[]): Filter {
  return { combine: 'and', members };
}
