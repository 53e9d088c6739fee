import { Refusal } from '../refusal.js';
import { readInteger } from './values.js';

/** Whether a text can be the id of anything: a positive 64-bit number in plain decimal. */
export function isId(raw: string): boolean {
  return /^[1-9][0-9]*$/.test(raw) && readInteger(raw) !== undefined;
}

/**
 * The id in a path.
 * @throws Refusal not_found for what is none: an id of a wrong alphabet is an unknown id (DECISIONS.md, All APIs 4)
 */
export function pathId(raw: string): string {
  if (!isId(raw)) throw new Refusal('not_found');
  return raw;
}
