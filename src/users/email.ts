import { isEmail } from 'class-validator';
import { isWellFormed } from '../secrets.js';

/**
 * What e-mail addresses are compared by: Unicode NFC, then lower case. Null for what is no address, and for
 * every spelling that could pass for another one: characters that Unicode's compatibility forms or lower case
 * turn into ASCII or into each other (`＠`, full-width letters, `ſ`, the Kelvin sign, `İ`) (SECURITY.md 11).
 */
export function emailKey(raw: string): string | null {
  if (raw.length > 254 || !isWellFormed(raw)) return null;
  const composed = raw.normalize('NFC');
  if (composed.normalize('NFKC') !== composed) return null;
  for (const character of raw) {
    if (character > '\u007f' && /[\0-\u007f]/.test(fold(character))) return null;
  }
  if (!isEmail(composed, { allow_utf8_local_part: true })) return null;
  return fold(composed);
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFC');
}
