import { Refusal } from '../refusal.js';

const LARGEST_ID = 2n ** 63n - 1n;

/**
 * The id in a path: a positive 64-bit number in plain decimal.
 * @throws Refusal not_found for anything else: an id of a wrong alphabet is an unknown id (DECISIONS.md, All APIs 4)
 */
export function pathId(raw: string): string {
  if (!/^[1-9][0-9]{0,18}$/.test(raw) || BigInt(raw) > LARGEST_ID) throw new Refusal('not_found');
  return raw;
}
