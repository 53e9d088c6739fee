import type { Response } from 'express';
import { JSON_API } from './media-type.js';

/**
 * Ends a response with a JSON:API document. It is sent as bytes, because Express adds a charset to the type of
 * anything else, which JSON:API forbids; no cache may keep it.
 */
export function sendDocument(
  response: Response,
  status: number,
  document: string,
  mediaType = JSON_API,
): void {
  const body = Buffer.from(document);
  response.vary('Accept');
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Type', mediaType);
  response.setHeader('Content-Length', body.length);
  response.end(body);
}
