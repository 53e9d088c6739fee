import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { Refusal } from '../refusal.js';
import { SAFE_METHODS } from './safe-methods.js';
import type { Wire } from './wire.js';

/** What `Sec-Fetch-Site` says of a request that a page of some other origin made. */
const OTHER_ORIGINS = new Set(['cross-site', 'same-site']);

/**
 * Express middleware below the path of an API whose credential browsers send by themselves: a state change is refused
 * unless a page of a listed origin asks for it. This is the defence against CSRF, also of signing in: the bodies are
 * forms, which any page can send. `Origin: null` is no origin, and neither is none at all.
 * Hands on a Refusal `origin_not_allowed`.
 * @param leans whether a request may lean on such a credential
 */
export function refuseForeignOrigins(
  origins: readonly string[],
  leans: NonNullable<Wire['ambient']>,
): RequestHandler {
  return (request: Request, _: Response, next: NextFunction) => {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const listed = origin !== undefined && origins.includes(origin);
    const elsewhere = typeof site === 'string' && OTHER_ORIGINS.has(site);
    const harmless = SAFE_METHODS.has(request.method) || listed || (!leans(request) && !elsewhere);
    next(harmless ? undefined : new Refusal('origin_not_allowed', { header: 'Origin' }));
  };
}
