import type { Request } from 'express';
import { Refusal } from '../refusal.js';

/** One query parameter: `page[size]=30` has the base `page` and the path `['size']`. */
export interface Parameter {
  /** Decoded, otherwise as written. */
  readonly name: string;
  readonly base: string;
  readonly path: readonly string[];
  readonly value: string;
}

const MAX_CHARACTERS = 8_192;
const MAX_PARAMETERS = 100;

const TOKENS = [
  'token',
  'access_token',
  'auth_token',
  'api_token',
  'api_key',
  'x-auth-token',
  'authorization',
  'jwt',
];
const BODY_SECRETS = [
  'email',
  'username',
  'password',
  'current_password',
  'otp',
  'secret',
  'tokenid',
  'refreshtoken',
  'refresh_token',
];

/**
 * The parameters of a request by their families, in brackets, which may be encoded.
 * @throws Refusal `bad_request` as `readPairs`, `secret_in_query`, `unsupported_parameter` (a name that is no family),
 *   `invalid_parameter` (given twice; filters may be)
 */
export function readParameters(request: Pick<Request, 'originalUrl'>): Parameter[] {
  const parameters = readPairs(request).map(withPath);
  const seen = new Set<string>();
  for (const { name, base } of parameters) {
    refuseSecrets(base);
    if (seen.has(name) && base !== 'filter')
      throw new Refusal('invalid_parameter', { parameter: shown(name) });
    seen.add(name);
  }
  return parameters;
}

/**
 * Looks for secrets alone in the query of a request that means nothing else by it.
 * @throws Refusal `bad_request` as `readPairs`, `secret_in_query`
 */
export function refuseSecretsInQuery(request: Pick<Request, 'originalUrl'>): void {
  for (const { name } of readPairs(request)) refuseSecrets(name);
}

/**
 * The names and values of a query, decoded, read from the URL itself: Express makes lists and objects of it.
 * @throws Refusal `bad_request` (too long, too many, not percent-encoded UTF-8, NUL)
 */
export function readPairs({ originalUrl }: Pick<Request, 'originalUrl'>): { name: string; value: string }[] {
  const mark = originalUrl.indexOf('?');
  const query = mark < 0 ? '' : originalUrl.slice(mark + 1);
  if (query === '') return [];
  if (query.length > MAX_CHARACTERS) throw badQuery(`The query is longer than ${MAX_CHARACTERS} characters`);
  const pairs = query.split('&').filter((pair) => pair !== '');
  if (pairs.length > MAX_PARAMETERS) throw badQuery(`The query has more than ${MAX_PARAMETERS} parameters`);
  return pairs.map((pair) => {
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    return { name, value: decode(equals < 0 ? '' : pair.slice(equals + 1)) };
  });
}

/** Query parameters as a link carries them, brackets encoded. */
export function writeParameters(parameters: readonly (readonly [name: string, value: string])[]): string {
  return parameters
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}

/** What a refusal may repeat of a parameter's name: at most 50 characters, and only harmless ones. */
export function shown(name: string): string {
  return name.replace(/[^\w.$[\]-]/g, '').slice(0, 50);
}

function withPath({ name, value }: { name: string; value: string }): Parameter {
  const parts = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (parts === null) throw new Refusal('unsupported_parameter', { parameter: shown(name) });
  const [, base = '', brackets = ''] = parts;
  return { name, base, path: brackets === '' ? [] : brackets.slice(1, -1).split(']['), value };
}

function decode(text: string): string {
  // Bytes beyond ASCII reach us as Latin-1, so they cannot be trusted to mean what was typed.
  if (/[^\x21-\x7e]/.test(text)) throw badQuery('The query is not percent-encoded');
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badQuery('The query is not percent-encoded UTF-8');
  }
  if (decoded.includes('\0')) throw badQuery('The query holds a NUL character');
  return decoded;
}

/** URLs end up in logs and histories (DECISIONS.md, All APIs 9). */
function refuseSecrets(base: string): void {
  const name = base.toLowerCase();
  if (TOKENS.includes(name)) {
    throw new Refusal('secret_in_query', {
      parameter: name,
      detail: 'Send the token in the X-Auth-Token or Authorization header, never in the query',
    });
  }
  if (BODY_SECRETS.includes(name)) {
    throw new Refusal('secret_in_query', {
      parameter: name,
      detail: `Send ${name} as an attribute in the body, never in the query`,
    });
  }
}

function badQuery(detail: string): Refusal {
  return new Refusal('bad_request', { detail });
}
