import { isoInstant } from './iso-instant.js';

/** Text that JSON quotes as it is: no quote, backslash, control character or surrogate. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

/** A value as JSON; date-times as the document writes them, in UTC: `2024-04-18T04:02:03.470+00:00`. */
export function writeValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value instanceof Date) return `"${writeInstant(value)}"`;
  return JSON.stringify(value);
}

/** An instant as the document writes it: in UTC, with milliseconds and the offset `+00:00`. */
export function writeInstant(instant: Date): string {
  return `${isoInstant(instant).slice(0, -1)}+00:00`;
}
