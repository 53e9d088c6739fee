import {
  Attribute,
  optionalBoolean,
  optionalInstant,
  optionalText,
  requiredText,
} from '../json-api/rules.js';
import { MAX_NAME, MAX_NOTE } from '../sessions/session.attributes.js';

/** What `POST /sessions/machine` takes (DECISIONS.md, Native 6). */
export class MachineToken {
  @Attribute(requiredText(MAX_NAME)) name: string;
  @Attribute(optionalText(MAX_NOTE)) note?: string | null;
  /** Absent and null mean false; nothing that merely looks true does. */
  @Attribute(optionalBoolean) read_only?: boolean | null;
  /** Absent and null mean never. */
  @Attribute(optionalInstant) token_expires_at?: string | null;
  /** It will be true; a client that sends its model's default is not wrong. */
  @Attribute(optionalBoolean) machine?: boolean | null;
}
