import type { CorsOptions } from '@nestjs/common/interfaces/external/cors-options.interface.js';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import helmet, { type HelmetOptions } from 'helmet';
import { wireFor, type Wire } from './wire.js';

/**
 * The headers that keep browsers from doing more than they should; enough is allowed for the page at /docs.
 * Nothing may be kept by caches unless a route says so.
 * @param publicUrl HSTS is sent when it is https
 */
export function securityHeaders(publicUrl: string | undefined): RequestHandler {
  const headers = headersOf({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: publicUrl?.startsWith('https:') ? { maxAge: 31_536_000 } : false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    // These speak to browsers of long ago, on every answer.
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
  return (_, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    for (const [name, value] of headers) response.setHeader(name, value);
    next();
  };
}

/** What helmet sets: the same on every answer, so it is asked once. */
function headersOf(options: HelmetOptions): Map<string, string> {
  const headers = new Map<string, string>();
  const response = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  };
  helmet(options)({} as Request, response as unknown as Response, () => undefined);
  return headers;
}

/**
 * CORS for the listed origins only; any other origin gets no CORS headers at all. With credentials only where browsers
 * send one by themselves.
 */
export function allowOrigins(
  app: NestExpressApplication,
  origins: readonly string[],
  wires: readonly Wire[],
): void {
  if (origins.length === 0) return;
  app.use((_: Request, response: Response, next: NextFunction) => {
    response.vary('Origin'); // with an unlisted origin too, or a cache mixes the two answers up
    next();
  });
  app.enableCors((request: Request, decide: (error: null, options: CorsOptions) => void) => {
    const { origin } = request.headers;
    decide(null, {
      origin: origin !== undefined && origins.includes(origin) ? origin : false,
      credentials: wireFor(wires, request.originalUrl).ambient !== undefined,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: ['Location', 'X-Request-Id', 'Retry-After'],
      maxAge: 600,
      preflightContinue: true, // answerOptions ends it
    });
  });
}
