import type { FieldKind, Value } from '../page.js';

/**
 * The value that a text stands for, by the kind of its field: `true` or `false`; a decimal within 64 bits;
 * ISO 8601 with `Z` or an offset, or a date alone for its midnight in UTC; undefined when it stands for none.
 */
export function readValue(text: string, kind: FieldKind): Value | undefined {
  switch (kind) {
    case 'text':
      return text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'integer':
      return readInteger(text);
    case 'instant':
      return readInstant(text);
  }
}

const INT64 = 2n ** 63n;

/** A decimal that fits a signed 64-bit integer, without leading zeros. */
export function readInteger(text: string): string | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= -INT64 && value < INT64 ? value.toString() : undefined;
}

// An unencoded `+` of an offset arrives as a blank, since queries write blanks so.
const INSTANT =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(?:Z|([+\- ])(\d{2}):?(\d{2})))?$/i;

/** An instant to the millisecond; what is finer is cut off. */
export function readInstant(text: string): Date | undefined {
  const parts = INSTANT.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offsetMinutes = Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0);
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  const real = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day && year > 0;
  if (!real || hour > 23 || minute > 59 || second > 59 || offsetMinutes >= 24 * 60) return undefined;
  const milliseconds = Number((parts[7] ?? '.').slice(1, 4).padEnd(3, '0'));
  const local = midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
  const instant = new Date(local - (parts[8] === '-' ? -1 : 1) * offsetMinutes * 60_000);
  return instant.getUTCFullYear() > 9999 ? undefined : instant; // ISO 8601 would need a sign for it
}
