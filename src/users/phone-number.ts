/**
 * A telephone number in E.164 form, e.g. `+4366012345678`, of what someone wrote: with spaces, `-`, `.`, `/` and
 * brackets, a leading `00`, or a trunk prefix `(0)`. Null for what names no country, and for what is no number.
 */
export function e164(raw: string | null): string | null {
  const compact = (raw ?? '').replace(/^(\+|00)([0-9 ]+)\(0\)/, '$1$2').replace(/[\s()./-]/g, '');
  const international = compact.replace(/^00/, '+');
  return /^\+[1-9][0-9]{6,14}$/.test(international) ? international : null;
}
