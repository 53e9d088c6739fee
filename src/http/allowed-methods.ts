import type { NextFunction, Request, Response } from 'express';

interface Layer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): unknown;
}

/**
 * The methods that the request's path knows, in capitals, read off the router itself; empty for an unknown path.
 * `HEAD` counts where `GET` does, and `OPTIONS` wherever there is anything.
 */
export function allowedMethods(request: Request): string[] {
  const path = (request.originalUrl.split('?', 1)[0] ?? '/').replace(/^https?:\/\/[^/]*/i, '') || '/';
  const layers = (request.app as unknown as { router: { stack: Layer[] } }).router.stack;
  const methods = new Set<string>();
  for (const { route, matched } of layers.map((layer) => ({
    route: layer.route,
    matched: matches(layer, path),
  }))) {
    if (!route || !matched) continue;
    for (const method of Object.keys(route.methods)) methods.add(method.toUpperCase());
  }
  if (methods.has('GET')) methods.add('HEAD');
  if (methods.size > 0) methods.add('OPTIONS');
  return [...methods].sort();
}

/** Answers `OPTIONS` on every known path: 204, `Allow`, no body (RFC 9110 section 9.3.7). */
export function answerOptions(request: Request, response: Response, next: NextFunction): void {
  const allowed = request.method === 'OPTIONS' ? allowedMethods(request) : [];
  if (allowed.length === 0) return next();
  response.writeHead(204, { Allow: allowed.join(', ') }).end();
}

function matches(layer: Layer, path: string): boolean {
  if (!layer.route) return false;
  try {
    return Boolean(layer.match(path));
  } catch {
    return false; // broken percent-encoding
  }
}
