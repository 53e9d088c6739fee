import type { Rule } from '../json-api/rules.js';
import type { Reason } from '../refusal.js';
import { isWellFormed } from '../secrets.js';

/** Most that is noted of anybody, in bytes of JSON: it is read with every request. */
const MAX_METADATA_BYTES = 8_192;
const MAX_DEPTH = 5;

/** A JSON object of bounded size and depth, null, or nothing. */
export const optionalMetadata: Rule = (value) => {
  if (value === undefined || value === null) return null;
  return metadataProblem(value);
};

/** What is wrong with metadata, or null: it is a JSON object, at most five levels deep, that PostgreSQL can keep. */
export function metadataProblem(value: unknown): Reason | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'invalid';
  if (!isKept(value, MAX_DEPTH)) return 'invalid';
  return Buffer.byteLength(JSON.stringify(value)) > MAX_METADATA_BYTES ? 'too_long' : null;
}

/** Neither NUL, nor half a surrogate pair, nor a number without end, nor a name that means more to JavaScript. */
function isKept(value: unknown, levels: number): boolean {
  if (typeof value === 'string') return !value.includes('\0') && isWellFormed(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) return value.every((member) => isKept(member, levels - 1));
  return Object.entries(value).every(
    ([name, member]) => name !== '__proto__' && isKept(name, 0) && isKept(member, levels - 1),
  );
}
