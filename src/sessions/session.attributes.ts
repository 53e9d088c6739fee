import { isId } from '../json-api/path-id.js';
import { Attribute, optionalBoolean, optionalText, requiredSecret, type Rule } from '../json-api/rules.js';
import type { Reason } from '../refusal.js';
import { isWellFormed } from '../secrets.js';
import { METADATA_BOUNDS } from './composition.js';

/** Longest name of a session, in characters (DECISIONS.md, Native 6). */
export const MAX_NAME = 255;
/** Longest note on a session, in characters. */
export const MAX_NOTE = 1_000;
/** Longest name of a device, in characters. */
export const MAX_DEVICE_NAME = 255;
/** Longest environment, in characters. */
export const MAX_ENVIRONMENT = 100;
/** The shortest and the longest life of a session that does not slide, in seconds. */
export const LIFETIME_SECONDS = { least: 60, most: 365 * 86_400 };

/** What is wrong with a session's metadata, or null: texts by name, of bounded number and length. */
function metadataProblem(value: unknown): Reason | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'invalid';
  const entries = Object.entries(value);
  if (!entries.every(([name, text]) => isName(name) && typeof text === 'string' && isStorable(text))) {
    return 'invalid';
  }
  const most = METADATA_BOUNDS;
  const tooLong = entries.some(
    ([name, text]) => [...name].length > most.key || [...(text as string)].length > most.value,
  );
  return tooLong || entries.length > most.entries ? 'too_long' : null;
}

const isStorable = (text: string) => isWellFormed(text) && !text.includes('\0');
const isName = (name: string) => name !== '' && name !== '__proto__' && isStorable(name);

const optionalMetadata: Rule = (value) =>
  value === undefined || value === null ? null : metadataProblem(value);

const optionalLifetime: Rule = (value) => {
  if (value === undefined || value === null) return null;
  const { least, most } = LIFETIME_SECONDS;
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
    ? null
    : 'invalid';
};

/** An id as its number, as `user_id` is shown, or as its text, as resources name theirs. */
const optionalId: Rule = (value) => {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? value.toString() : value;
  return typeof text === 'string' && isId(text) ? null : 'invalid';
};

/** What `POST /sessions` takes. Whatever text is sent as e-mail or password is judged by signing in with it. */
export class SignIn {
  @Attribute(requiredSecret) email: string;
  @Attribute(requiredSecret) password: string;
  @Attribute(optionalText(MAX_NAME)) name?: string | null;
  @Attribute(optionalText(MAX_NOTE)) note?: string | null;
  @Attribute(optionalText(MAX_DEVICE_NAME)) device_name?: string | null;
  @Attribute(optionalText(MAX_ENVIRONMENT)) environment?: string | null;
  @Attribute(optionalMetadata) metadata?: Record<string, string> | null;
  @Attribute(optionalLifetime) lifetime_seconds?: number | null;
  @Attribute(optionalBoolean) refreshable?: boolean | null;
}

/** What `PUT /sessions/:id/validate_otp` takes. */
export class OtpValidation {
  @Attribute(requiredSecret) otp: string;
  @Attribute(requiredSecret) password: string;
}

/** What `PATCH /sessions/:id` takes; what is absent keeps its value. */
export class SessionDescription {
  @Attribute(optionalText(MAX_NAME)) name?: string | null;
  @Attribute(optionalText(MAX_NOTE)) note?: string | null;
  @Attribute(optionalText(MAX_DEVICE_NAME)) device_name?: string | null;
  @Attribute(optionalText(MAX_ENVIRONMENT)) environment?: string | null;
  @Attribute(optionalMetadata) metadata?: Record<string, string> | null;
  @Attribute(optionalId) organization_id?: number | string | null;
}

/** What `POST /sessions/refresh` takes. */
export class Renewal {
  @Attribute(requiredSecret) refresh_token: string;
}
