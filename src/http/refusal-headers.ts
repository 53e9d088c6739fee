import type { Response } from 'express';
import type { Refusal } from '../refusal.js';

/**
 * Sets the headers that belong to a refusal, whatever words an API has for it (RFC 9110, 10.2.1, 10.2.3, 11.6.1): how
 * to sign in with a 401, the methods that the path does know with a 405, and when to try again.
 * @param words the API's own of this reason; the refusal's `retryAfterSeconds` goes before theirs
 */
export function setRefusalHeaders(
  response: Response,
  status: number,
  { allow = [], retryAfterSeconds }: Refusal,
  words: { readonly retryAfterSeconds?: number },
  challenge = 'Bearer realm="latchkey"',
): void {
  const seconds = retryAfterSeconds ?? words.retryAfterSeconds;
  if (status === 401) response.setHeader('WWW-Authenticate', challenge);
  if (status === 405) response.setHeader('Allow', allow.join(', '));
  if (seconds !== undefined) response.setHeader('Retry-After', String(seconds));
}
