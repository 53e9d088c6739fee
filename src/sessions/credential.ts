import type { Request } from 'express';
import { Refusal } from '../refusal.js';

/**
 * The credential of a request: `X-Auth-Token: <token>` or `Authorization: Bearer <token>`; undefined without one.
 * @throws Refusal credentials_conflict for two that differ (DECISIONS.md, Native 1), also of one header;
 *   unauthenticated for an `Authorization` of another scheme
 */
export function credentialOf({ headersDistinct: headers }: Request): string | undefined {
  const bearers = (headers.authorization ?? []).map((value) => /^bearer ([^\s]+)$/i.exec(value)?.[1]);
  const [credential, ...others] = new Set([...(headers['x-auth-token'] ?? []), ...bearers]);
  if (others.length > 0) throw new Refusal('credentials_conflict', { header: 'Authorization' });
  if (credential === undefined && bearers.length > 0) throw new Refusal('unauthenticated');
  return credential;
}
