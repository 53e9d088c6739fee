import type { Request, Response } from 'express';
import type { Presented } from '../../http/wire.js';
import { Refusal } from '../../refusal.js';
import type { Browser } from '../../sessions/browser.entity.js';
import { NOBODY } from '../../sessions/second-factors.service.js';
import { fromId } from './ids.js';

/** The cookie of browsers (CONTRACTS.md 2.6). Its value is opaque, and opens nothing but this API. */
const COOKIE = '__client';

/**
 * The browser's credential: the cookie, or for native apps the `Authorization` header beside `_is_native`
 * (CONTRACTS.md 2.1). With it the session that the path, or else `_clerk_session_id`, names.
 * @throws Refusal credentials_conflict for `Origin` and `Authorization` at once; unauthenticated for an
 *   `Authorization` of another kind, and for two cookies that differ: a page of a sibling domain may have set one
 */
export function readCredential(request: Request): Presented | undefined {
  const sessionId = namedSession(request);
  const { authorization, origin } = request.headers;
  if (authorization) {
    if (origin !== undefined) throw new Refusal('credentials_conflict');
    const token = /^(?:bearer +)?(\S+)$/i.exec(authorization)?.[1];
    if (!saysNative(request) || token === undefined) throw new Refusal('unauthenticated');
    return { credential: token, sessionId };
  }
  if (isNativeApp(request)) return undefined;
  const [credential, ...others] = new Set(cookiesOf(request));
  if (others.length > 0) throw new Refusal('unauthenticated');
  return credential === undefined ? undefined : { credential, sessionId };
}

/**
 * Whether a request may lean on the cookie. One with an `Authorization` never does, and neither does a native app's:
 * it says so, and has no origin, which no page can bring about.
 */
export function leansOnCookie(request: Request): boolean {
  return !request.headers.authorization && !isNativeApp(request);
}

/** Hands a browser its credential: as the cookie, or to a native app in the `Authorization` header. */
export function giveCredential(
  request: Request,
  response: Response,
  { token, expiresAt }: Pick<Browser, 'token' | 'expiresAt'>,
): void {
  if (token === undefined) throw new Error('a credential that is not known any more');
  if (isNativeApp(request)) response.setHeader('Authorization', token);
  else response.cookie(COOKIE, token, { ...attributes(request), expires: expiresAt });
}

/** Takes the credential off a browser. */
export function takeCredential(request: Request, response: Response): void {
  if (isNativeApp(request)) response.setHeader('Authorization', '');
  else response.clearCookie(COOKIE, attributes(request));
}

function isNativeApp(request: Request): boolean {
  return saysNative(request) && request.headers.origin === undefined;
}

function saysNative({ query }: Request): boolean {
  return query._is_native === '1' || query._is_native === 'true';
}

/**
 * Null where none is named; what cannot be an id is an unknown one. One that is only to be shown is found among all
 * that the browser holds, and need not be read before.
 */
function namedSession({ method, params, query }: Request): string | null {
  const inPath = method === 'POST' ? params.session_id : undefined;
  const named = inPath ?? query._clerk_session_id;
  if (named === undefined) return null;
  return (typeof named === 'string' ? fromId('session', named) : null) ?? NOBODY;
}

function cookiesOf({ headers }: Request): string[] {
  return (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${COOKIE}=`))
    .map((pair) => pair.slice(COOKIE.length + 1));
}

/** Browsers keep a Secure cookie from a plain address; only their own machine's is one worth serving. */
function attributes(request: Request) {
  const { protocol, hostname } = new URL(request.app.locals.publicUrl as string);
  const local = protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return { path: '/', httpOnly: true, secure: !local, sameSite: 'lax' } as const;
}
