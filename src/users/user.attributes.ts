import { isURL } from 'class-validator';
import { Attribute, optionalText, type Rule } from '../json-api/rules.js';
import { emailKey } from './email.js';
import { optionalMetadata } from './metadata.js';
import { readPasswordHash } from './password-hash.js';
import { passwordProblem } from './password-policy.js';

const email: Rule = (value) => {
  if (value === null || value === undefined || value === '') return 'blank';
  return typeof value === 'string' && emailKey(value) !== null ? null : 'invalid';
};

const newPassword: Rule = (value) => {
  if (value === null || value === undefined) return 'blank';
  return typeof value === 'string' ? passwordProblem(value) : 'invalid';
};

const unlessAbsent =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined ? null : rule(value);

/** A form that sends every attribute of its model sends `null` for a password it does not change. */
const unlessNull =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || value === null ? null : rule(value);

const webAddress: Rule = (value) => {
  if (value === undefined || value === null) return null;
  const options = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };
  return typeof value === 'string' && value.length <= 2_000 && isURL(value, options) ? null : 'invalid';
};

const timeZone: Rule = (value) => {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && isTimeZone(value) ? null : 'invalid';
};

const locale: Rule = (value) => {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && isLocale(value) ? null : 'invalid';
};

const passwordHash: Rule = (value) => {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' && readPasswordHash(value) !== null ? null : 'invalid';
};

class Profile {
  @Attribute(optionalText(100)) first_name?: string | null;
  @Attribute(optionalText(100)) last_name?: string | null;
  @Attribute(webAddress) avatar_url?: string | null;
  @Attribute(optionalText(50)) phone_number?: string | null;
  /** BCP 47, e.g. `de-AT`. */
  @Attribute(locale) locale?: string | null;
  /** IANA name, e.g. `Europe/Vienna`. */
  @Attribute(timeZone) time_zone?: string | null;
}

/** What `POST /users` takes. */
export class NewUser extends Profile {
  @Attribute(email) email: string;
  @Attribute(newPassword) password: string;
  @Attribute(optionalMetadata) metadata?: Record<string, unknown> | null;
}

/** What `PATCH /users/:id` takes; what is absent keeps its value. */
export class UserChanges extends Profile {
  @Attribute(unlessAbsent(email)) email?: string;
  @Attribute(unlessNull(newPassword)) password?: string | null;
  /** The caller's own password: asked for when `email`, `phone_number` or `password` changes. */
  @Attribute(unlessNull((value) => (typeof value === 'string' ? null : 'invalid'))) current_password?:
    string | null;
  /** Of others only. */
  @Attribute(optionalMetadata) metadata?: Record<string, unknown> | null;
}

/** What a line of `latchkey users import` holds; without a hash the user cannot sign in by password yet. */
export class ImportedUser extends Profile {
  @Attribute(email) email: string;
  @Attribute(passwordHash) password_hash?: string | null;
}

function isTimeZone(name: string): boolean {
  try {
    return (
      name.length <= 60 && new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat
    );
  } catch {
    return false;
  }
}

function isLocale(tag: string): boolean {
  try {
    return tag.length <= 35 && Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
