import type { NextFunction, Request, Response } from 'express';
import { Refusal } from '../refusal.js';

/** The fields of a form: each named once. */
export type Form = ReadonlyMap<string, string>;

const FORM = /^application\/x-www-form-urlencoded *(?:; *charset="?utf-8"? *)?$/i;
const MAX_FIELDS = 100;

/**
 * Express middleware for an API whose bodies are forms: turns the bytes that the web server left in `request.body`
 * into a `Form`, an empty one when there was no body (URL Standard, application/x-www-form-urlencoded).
 * Hands on a Refusal `unsupported_media_type`, or `bad_request` (no UTF-8, broken percent-encoding, NUL, a field
 * given twice, too many).
 */
export function readForm(request: Request, _: Response, next: NextFunction): void {
  try {
    const bytes: unknown = request.body;
    const hasBody = Buffer.isBuffer(bytes) && bytes.length > 0;
    if (hasBody && !FORM.test(request.headers['content-type'] ?? '')) {
      throw new Refusal('unsupported_media_type', { header: 'Content-Type' });
    }
    request.body = hasBody ? parseForm(bytes) : new Map<string, string>();
  } catch (error) {
    next(error);
    return;
  }
  next();
}

function parseForm(bytes: Buffer): Form {
  const pairs = decoded(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    .split('&')
    .filter((pair) => pair !== '');
  if (pairs.length > MAX_FIELDS) throw badForm(`The form has more than ${MAX_FIELDS} fields`);
  const form = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = decodePart(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decodePart(pair.slice(equals + 1));
    if (form.has(name)) throw badForm('A field is given twice');
    form.set(name, value);
  }
  return form;
}

function decodePart(part: string): string {
  const text = decoded(() => decodeURIComponent(part.replaceAll('+', ' ')));
  if (text.includes('\0')) throw badForm('The form holds a NUL');
  return text;
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw badForm('The form is not percent-encoded UTF-8');
  }
}

function badForm(detail: string): Refusal {
  return new Refusal('bad_request', { detail });
}
