import common from '@zxcvbn-ts/language-common';
import type { Reason } from '../refusal.js';
import { isHashable, isWellFormed, MAX_PASSWORD_BYTES } from '../secrets.js';

const MIN_PASSWORD_CHARACTERS = 8;
const COMMON = new Set(common.dictionary['passwords-common']);

/**
 * What is wrong with a new password, or null: 8 characters to 72 bytes of UTF-8, no NUL, valid Unicode, none of
 * the commonest. Too long is refused and never cut, since bcrypt would ignore the rest.
 */
export function passwordProblem(password: string): Reason | null {
  if (password.trim() === '') return 'blank';
  if (!isWellFormed(password) || password.includes('\0')) return 'invalid';
  if ([...password].length < MIN_PASSWORD_CHARACTERS) return 'too_short';
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES || !isHashable(password)) return 'too_long';
  if (COMMON.has(password.toLowerCase())) return 'too_common';
  return null;
}
