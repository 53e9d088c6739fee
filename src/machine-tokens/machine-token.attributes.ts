import { isISO8601 } from 'class-validator';
import { Attribute, optionalBoolean, optionalText, requiredText, type Rule } from '../json-api/rules.js';
import { MAX_NAME, MAX_NOTE } from '../sessions/session.attributes.js';

const optionalInstant: Rule = (value) => {
  if (value === undefined || value === null) return null;
  if (
    typeof value !== 'string' ||
    value.length > 40 ||
    !isISO8601(value, { strict: true, strictSeparator: true })
  ) {
    return 'invalid';
  }
  return /(Z|[+-]\d\d:?\d\d)$/.test(value) && !Number.isNaN(Date.parse(value)) ? null : 'invalid';
};

/** What `POST /sessions/machine` takes (DECISIONS.md, Native 6). */
export class MachineToken {
  @Attribute(requiredText(MAX_NAME)) name: string;
  @Attribute(optionalText(MAX_NOTE)) note?: string | null;
  /** Absent and null mean false; nothing that merely looks true does. */
  @Attribute(optionalBoolean) read_only?: boolean | null;
  /** ISO 8601 with an offset; absent and null mean never. */
  @Attribute(optionalInstant) token_expires_at?: string | null;
  /** It will be true; a client that sends its model's default is not wrong. */
  @Attribute(optionalBoolean) machine?: boolean | null;
}
