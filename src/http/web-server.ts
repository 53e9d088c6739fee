import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Config } from '../config.js';
import { answerOptions } from './allowed-methods.js';
import { allowOrigins, securityHeaders } from './browser-headers.js';
import { FailureFilter } from './failure.filter.js';
import { refuseForeignOrigins } from './foreign-origins.js';
import { answerMalformedHttp, refuseMalformed } from './malformed-http.js';
import { trackOpenResponses } from './open-responses.js';
import { readMethodFrom } from './method-parameter.js';
import { PrototypedExpressAdapter } from './prototyped-express-adapter.js';
import { NestLog, RequestLog } from './request-log.js';
import { eachBelowItsPath, WIRES, type Wire } from './wire.js';

/** The largest request body, in bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/** Milliseconds after which a connection that says too little is closed. */
const TIMEOUTS = {
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000, // longer than the 60 s of common load balancers, so that they close first
  connectionsCheckingInterval: 5_000,
};

/** Milliseconds after which a connection is closed on which an answer waits to be read, and nothing moves. */
const STALLED_MILLISECONDS = 120_000;

/**
 * The web server over a root module, which provides `Config`, `WIRES` and, through `HttpModule`, the log: ready for
 * `listen()`. `request.body` is a Buffer of at most 64 KiB until the wire of the path reads it; `app.locals.publicUrl`
 * is the base of every link, known once the server listens.
 */
export async function createWebServer(root: Type | DynamicModule): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(root, new PrototypedExpressAdapter(TIMEOUTS), {
    bodyParser: false,
    abortOnError: false,
    logger: false, // what goes wrong is thrown; from here on the log is ours
  });
  app.useLogger(app.get(NestLog));
  const config = app.get(Config);
  applySettings(app, config);
  applyMiddleware(app, config, app.get<readonly Wire[]>(WIRES));
  app.useGlobalFilters(app.get(FailureFilter));
  const server: Server = app.getHttpServer();
  server.setTimeout(STALLED_MILLISECONDS);
  trackOpenResponses(server);
  answerMalformedHttp(server);
  server.on('listening', () => {
    const { port } = server.address() as AddressInfo;
    app.setLocal('publicUrl', config.get('PUBLIC_URL') ?? `http://localhost:${port}`);
  });
  return app;
}

function applySettings(app: NestExpressApplication, config: Config): void {
  const proxies = config.get('TRUST_PROXY');
  app.set('trust proxy', proxies.length > 0 ? proxies : false);
  app.set('query parser', 'simple');
  app.disable('etag');
  app.disable('x-powered-by');
}

/** In this order: whatever is refused on the way has its id, its log line and its headers already. */
function applyMiddleware(app: NestExpressApplication, config: Config, wires: readonly Wire[]): void {
  app.use(app.get(RequestLog).follow);
  app.use(securityHeaders(config.get('PUBLIC_URL')));
  if (config.get('QA_MODE')) app.use(announceQaMode);
  app.use(refuseMalformed);
  const origins = config.get('ALLOWED_ORIGINS');
  allowOrigins(app, origins, wires);
  app.use(answerOptions);
  app.use(eachBelowItsPath(wires, ({ methodParameter: name }) => (name ? readMethodFrom(name) : undefined)));
  app.use(eachBelowItsPath(wires, ({ ambient }) => ambient && refuseForeignOrigins(origins, ambient)));
  app.useBodyParser('raw', { type: () => true, limit: MAX_BODY_BYTES, inflate: false });
  app.use(eachBelowItsPath(wires, ({ readBody }) => readBody));
}

/** So that nobody takes such an instance for one that can be trusted. */
function announceQaMode(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader('X-Latchkey-QA', 'true');
  next();
}
