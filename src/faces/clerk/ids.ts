/** The prefixes of this API's ids, by what they are of; `idn_e` and `idn_p` are a user's address and number. */
const PREFIXES = {
  session: 'sess_',
  user: 'user_',
  browser: 'client_',
  organization: 'org_',
  membership: 'orgmem_',
  emailAddress: 'idn_e',
  phoneNumber: 'idn_p',
  signIn: 'sia_',
  activity: 'sess_activity_',
} as const;
type Kind = keyof typeof PREFIXES;

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const LARGEST = 2n ** 63n - 1n;

/**
 * An id as this API writes it: a prefix, then the number in base 62 (DECISIONS.md, All APIs 4).
 * @param id a positive 64-bit number as its decimal string
 */
export function toId(kind: Kind, id: string): string {
  let digits = '';
  let rest = BigInt(id);
  for (; rest > SAFE; rest /= 62n) digits = DIGITS[Number(rest % 62n)] + digits;
  // What a number can hold is divided as one: a BigInt takes many times as long, and lists are full of ids.
  for (let small = Number(rest); small > 0; small = Math.floor(small / 62))
    digits = DIGITS[small % 62] + digits;
  return PREFIXES[kind] + digits;
}

/** The id that is so written, in decimal; null for what is none, so that each id has one spelling only. */
export function fromId(kind: Kind, text: string): string | null {
  const digits = text.slice(PREFIXES[kind].length);
  if (!text.startsWith(PREFIXES[kind]) || !/^[1-9A-Za-z][0-9A-Za-z]{0,10}$/.test(digits)) return null;
  let id = 0n;
  for (const digit of digits) id = id * 62n + BigInt(DIGITS.indexOf(digit));
  return id <= LARGEST ? String(id) : null;
}
