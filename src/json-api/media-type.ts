import type { IncomingHttpHeaders } from 'node:http';
import { MIMEType } from 'whatwg-mimetype';
import { Refusal } from '../refusal.js';

export const JSON_API = 'application/vnd.api+json';
/** The one profile that is applied: https://jsonapi.org/profiles/ethanresnick/cursor-pagination/ */
export const CURSOR_PROFILE = 'https://jsonapi.org/profiles/ethanresnick/cursor-pagination/';

/**
 * Content negotiation of JSON:API 1.1 (§content-negotiation; DECISIONS.md, Native 2). `application/json` is
 * accepted for bodies too.
 * @throws Refusal `unsupported_media_type` for a Content-Type that JSON:API or Latchkey cannot take, or a
 *   coded body; `not_acceptable` when every JSON:API instance in Accept is unusable.
 */
export function negotiate(headers: IncomingHttpHeaders, hasBody: boolean): void {
  checkContentType(headers['content-type'], hasBody);
  checkContentEncoding(headers['content-encoding'], hasBody);
  checkAccept(headers.accept);
}

/**
 * For bodies of APIs that speak plain JSON: `application/json` in UTF-8, and no content coding.
 * @throws Refusal `unsupported_media_type`
 */
export function requirePlainJson(headers: IncomingHttpHeaders): void {
  const type = MIMEType.parse(headers['content-type'] ?? '');
  if (type === null || !isUtf8Json(type)) {
    throw new Refusal('unsupported_media_type', { header: 'Content-Type' });
  }
  checkContentEncoding(headers['content-encoding'], true);
}

/** Whether a usable JSON:API instance in Accept names the profile. */
export function asksForProfile(accept: string | undefined, profile: string): boolean {
  return jsonApiInstances(accept).some(
    (type) => isUsable(type, true) && words(type.parameters.get('profile')).includes(profile),
  );
}

/** The members of a comma list whose quoted strings may hold commas (RFC 9110 §5.6.1, §5.6.4). */
export function splitList(header: string): string[] {
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < header.length; at++) {
    const character = header[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) {
      members.push(header.slice(start, at).trim());
      start = at + 1;
    }
  }
  members.push(header.slice(start).trim());
  return members.filter((member) => member !== '');
}

function checkContentType(header: string | undefined, hasBody: boolean): void {
  const type = header === undefined ? null : MIMEType.parse(header);
  // Clause 3 holds for requests without a body too; any other type says nothing when there is none.
  const fits =
    type?.essence === JSON_API ? isUsable(type, false) : !hasBody || (type !== null && isUtf8Json(type));
  if (!fits) throw new Refusal('unsupported_media_type', { header: 'Content-Type' });
}

function checkContentEncoding(header: string | undefined, hasBody: boolean): void {
  if (!hasBody || header === undefined || header.trim().toLowerCase() === 'identity') return;
  throw new Refusal('unsupported_media_type', {
    header: 'Content-Encoding',
    detail: 'Send the body without a content coding',
  });
}

function checkAccept(header: string | undefined): void {
  const instances = jsonApiInstances(header);
  if (instances.length > 0 && !instances.some((type) => isUsable(type, true))) {
    throw new Refusal('not_acceptable', { header: 'Accept' });
  }
}

function jsonApiInstances(accept: string | undefined): MIMEType[] {
  if (accept === undefined || !/vnd\.api\+json/i.test(accept)) return [];
  return splitList(accept)
    .map((member) => MIMEType.parse(member))
    .filter((type): type is MIMEType => type?.essence === JSON_API);
}

/** No parameter but `profile`, and `ext` without URIs, since no extension is supported; `q` is a weight. */
function isUsable(type: MIMEType, weighted: boolean): boolean {
  return [...type.parameters].every(
    ([name, value]) =>
      name === 'profile' || (name === 'ext' && words(value).length === 0) || (weighted && name === 'q'),
  );
}

function isUtf8Json(type: MIMEType): boolean {
  const charset = type.parameters.get('charset');
  return type.essence === 'application/json' && (charset === undefined || /^utf-?8$/i.test(charset));
}

function words(value: string | undefined): string[] {
  return (value ?? '').split(' ').filter((word) => word !== '');
}
