import type { Place } from '../page.js';
import { isWellFormed } from '../secrets.js';
import type { SortKey } from './sort.js';
import { readValue } from './values.js';

/** An opaque name for the place of a row in an order: base64url of JSON, good for that order only. */
export function cursorOf(row: object, keys: readonly SortKey[]): string {
  const values = keys.map((key) => {
    const value = key.read(row);
    return value instanceof Date ? value.toISOString() : String(value);
  });
  return Buffer.from(JSON.stringify([signature(keys), ...values])).toString('base64url');
}

/** The place that a cursor names; undefined when it is none, or one of another order. */
export function placeOf(cursor: string, keys: readonly SortKey[]): Place | undefined {
  const parts = decode(cursor);
  if (!Array.isArray(parts) || parts.length !== keys.length + 1 || parts[0] !== signature(keys))
    return undefined;
  const place = keys.map(({ kind }, index) => {
    const text: unknown = parts[index + 1];
    if (typeof text !== 'string' || text.includes('\0') || !isWellFormed(text)) return undefined;
    return readValue(text, kind);
  });
  return place.every((value) => value !== undefined) ? place : undefined;
}

function decode(cursor: string): unknown {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.toString('base64url') !== cursor) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function signature(keys: readonly SortKey[]): string {
  return keys.map(({ name, descending }) => (descending ? `-${name}` : name)).join(',');
}
