import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { Refusal } from '../refusal.js';

/** What a POST may stand for; never a safe method, which would escape the checks on state changes. */
const METHODS = new Set(['PUT', 'PATCH', 'DELETE']);

/**
 * Express middleware before routing: a POST whose query names another method by this parameter becomes a request of
 * that method, for clients that can only POST (CONTRACTS.md 2.1). Hands on a Refusal `invalid_parameter`.
 */
export function readMethodFrom(parameter: string): RequestHandler {
  return (request: Request, _: Response, next: NextFunction) => {
    const named = request.method === 'POST' ? request.query[parameter] : undefined;
    if (named === undefined || named === 'POST') return next();
    if (typeof named !== 'string' || !METHODS.has(named)) {
      return next(new Refusal('invalid_parameter', { parameter }));
    }
    request.method = named;
    next();
  };
}
