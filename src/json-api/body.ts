import type { NextFunction, Request, Response } from 'express';
import { Refusal } from '../refusal.js';
import { negotiate, requirePlainJson } from './media-type.js';
import { parseStrictJson } from './strict-json.js';

/**
 * Express middleware for everything below `/api/v2`: negotiates, then turns the bytes that the web server left in
 * `request.body` into the JSON value they stand for; undefined when there was no body.
 * Hands on a Refusal `unsupported_media_type`, `not_acceptable` or `bad_request` (not UTF-8, a byte order mark,
 * broken or duplicate or too deep JSON).
 */
export function readBody(request: Request, _response: Response, next: NextFunction): void {
  try {
    const bytes: unknown = request.body;
    const hasBody = Buffer.isBuffer(bytes) && bytes.length > 0;
    negotiate(request.headers, hasBody);
    request.body = hasBody ? parseStrictJson(decode(bytes)) : undefined;
  } catch (error) {
    next(error);
    return;
  }
  next();
}

/**
 * The same for an API whose bodies are plain `application/json`; a body of any other type is
 * `unsupported_media_type`.
 */
export function readPlainJson(request: Request, _response: Response, next: NextFunction): void {
  try {
    const bytes: unknown = request.body;
    const hasBody = Buffer.isBuffer(bytes) && bytes.length > 0;
    if (hasBody) requirePlainJson(request.headers);
    request.body = hasBody ? parseStrictJson(decode(bytes)) : undefined;
  } catch (error) {
    next(error);
    return;
  }
  next();
}

function decode(bytes: Buffer): string {
  try {
    // With `ignoreBOM` a byte order mark stays in the text, where it is no JSON (RFC 8259 §8.1).
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal('bad_request', { detail: 'The body is not valid UTF-8' });
  }
}
