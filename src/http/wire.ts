import type { Request, RequestHandler, Response } from 'express';
import type { Refusal } from '../refusal.js';

/** A credential as a request presents it. */
export interface Presented {
  /** A session's token, a JWT, or a browser's credential. */
  readonly credential: string;
  /** Whose it has to be, where the request says so; another's credential is none then. */
  readonly userId?: string;
  /** The session that the request names, for a browser's credential; null for none. */
  readonly sessionId?: string | null;
}

/** How one API speaks below its path: how it reads a credential and a body, and how it words a refusal. */
export interface Wire {
  /** The path below which this API lives, e.g. `/api/v2`. */
  readonly prefix: string;
  /** Turns `request.body`, a Buffer, into what the API's controllers read; runs on unknown routes too. */
  readonly readBody?: RequestHandler;
  /**
   * The credential of a request, where this API carries it elsewhere than the native one does; undefined without one.
   * @throws Refusal unauthenticated, credentials_conflict
   */
  readonly readCredential?: (request: Request) => Presented | undefined;
  /**
   * For an API whose credential browsers send by themselves (a cookie): whether a request may lean on that. State
   * changes that do need an `Origin` of ALLOWED_ORIGINS, and pages of those origins may send the cookie.
   */
  readonly ambient?: (request: Request) => boolean;
  /** The query parameter by which a POST stands for another method, for clients that can only POST. */
  readonly methodParameter?: string;
  /** Answers the refusal: status, headers and body, in the API's own words. */
  write(response: Response, refusal: Refusal): void;
}

/** The provider of `readonly Wire[]`; the first one also speaks for every path that belongs to none. */
export const WIRES = Symbol('wires');

/** The wire of a request's path. */
export function wireFor(wires: readonly Wire[], originalUrl: string): Wire {
  const wire = wireBelow(wires, originalUrl.split('?', 1)[0] ?? '') ?? wires[0];
  if (wire === undefined) throw new Error('the root module provides no WIRES');
  return wire;
}

/**
 * Express middleware of all APIs: runs that of the API whose path is asked. One look-up costs less than a layer of the
 * router for each of them.
 */
export function eachBelowItsPath(
  wires: readonly Wire[],
  handlerOf: (wire: Wire) => RequestHandler | undefined,
): RequestHandler {
  const handlers = new Map(wires.map((wire) => [wire, handlerOf(wire)]));
  return (request, response, next) => {
    const wire = wireBelow(wires, request.path);
    const handler = wire && handlers.get(wire);
    if (handler === undefined) next();
    else void handler(request, response, next);
  };
}

function wireBelow(wires: readonly Wire[], path: string): Wire | undefined {
  const lowered = path.toLowerCase(); // as Express matches its routes
  return wires.find(({ prefix }) => lowered === prefix || lowered.startsWith(`${prefix}/`));
}
