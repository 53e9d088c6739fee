import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Caller } from '../caller.js';

/**
 * Who may call a route. Every route declares exactly one of these; the guard in `sessions/` enforces them
 * and refuses a route that declares nothing, and a test walks over all routes.
 */
export interface Access {
  /**
   * `anyone`: no credential is looked at. `optional`: the caller is whoever's live credential
   * came along, if one did. `signed_in`: a live session or JWT. `interactive`: a live session that someone signed in
   * to, no machine session and no JWT. `browser`: a browser by its own credential; `any_browser`: one without a
   * credential too.
   */
  readonly who: 'anyone' | 'optional' | 'signed_in' | 'interactive' | 'browser' | 'any_browser';
  /** A session that still owes its second factor may call this too (to end itself). */
  readonly pendingToo?: boolean;
  /** A read-only credential may call this although the method is not safe: it changes nothing (minting a JWT). */
  readonly readOnlyToo?: boolean;
  /**
   * The handler makes do with a `BriefCaller` (sessions/signed-in.ts), on any request or on one without a query. Of a
   * browser it is given whoever is signed in (`BrowserUser`, sessions/browsers.service.ts): others are refused.
   */
  readonly briefly?: 'always' | 'without_query';
}

const ACCESS = Symbol('access');

/** For routes that look at no credential. */
export const Anyone = () => SetMetadata(ACCESS, { who: 'anyone' } satisfies Access);
/**
 * For routes whose body is the proof, but where a live credential, if sent, has to fit. One that lives no more is
 * none: a pending session whose window has passed is told so, whether or not its token comes along.
 */
export const OptionallySignedIn = () =>
  SetMetadata(ACCESS, { who: 'optional', pendingToo: true, readOnlyToo: true } satisfies Access);
/** For routes that ask for a live session; read-only ones pass with safe methods. */
export const SignedIn = (extras: Omit<Access, 'who'> = {}) =>
  SetMetadata(ACCESS, { who: 'signed_in', ...extras });
/** For routes that ask for a session that a person signed in to. */
export const Interactive = () => SetMetadata(ACCESS, { who: 'interactive' } satisfies Access);
/** For routes that ask for a browser's own credential; the request may name one of the sessions that it holds. */
export const ByBrowser = (extras: { readOnlyToo?: true; briefly?: 'always' } = {}) =>
  SetMetadata(ACCESS, { who: 'browser', ...extras } satisfies Access);
/** For routes that a browser asks which may not have a credential yet, or no more. */
export const ByAnyBrowser = () => SetMetadata(ACCESS, { who: 'any_browser' } satisfies Access);

/** What a route handler, or else its controller, declares; undefined is a mistake that the guard refuses. */
export function accessOf(handler: object, controller: object): Access | undefined {
  return (Reflect.getMetadata(ACCESS, handler) ?? Reflect.getMetadata(ACCESS, controller)) as
    Access | undefined;
}

/** A request on which the guard has left its caller. */
export interface CalledRequest extends Request {
  caller?: Caller;
  /** What the rooms above recognised by a browser's own credential. */
  browser?: unknown;
}

/** Hands a route handler its caller, as the guard left it; undefined only on `anyone` and `optional` routes. */
export const WhoCalls = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<CalledRequest>().caller,
);

/** Hands a route handler the browser that the guard recognised; null only on `any_browser` routes. */
export const WhichBrowser = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<CalledRequest>().browser ?? null,
);
