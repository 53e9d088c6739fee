import type { Request } from 'express';
import { Refusal } from '../refusal.js';

/**
 * The credential of a request: `X-Auth-Token: <token>` or `Authorization: Bearer <token>`; undefined without one.
 * @throws Refusal credentials_conflict for two that differ (DECISIONS.md, Native 1); unauthenticated for an
 *   `Authorization` of another scheme
 */
export function credentialOf(request: Request): string | undefined {
  const token = request.headers['x-auth-token'];
  const authorization = request.headers.authorization;
  if (authorization === undefined) return token === undefined ? undefined : String(token);
  const bearer = /^bearer ([^\s]+)$/i.exec(authorization)?.[1];
  if (token !== undefined && token !== bearer)
    throw new Refusal('credentials_conflict', { header: 'Authorization' });
  if (bearer === undefined) throw new Refusal('unauthenticated');
  return bearer;
}
