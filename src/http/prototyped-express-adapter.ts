import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express, Response } from 'express';
import { PinoLogger } from 'nestjs-pino';
import { createServer, IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';
import { replaceTarget } from './malformed-http.js';

/** What Express calls when it is through with a request that nobody answered. */
type Unrouted = (error?: unknown) => void;

/**
 * An Express adapter whose HTTP server creates requests and responses that already have Express's prototypes.
 * Express calls `Object.setPrototypeOf` on each of them, which throws Node's own code off its fast paths and costs
 * a third of the throughput; here that call finds the prototype it wants and changes nothing.
 */
export class PrototypedExpressAdapter extends ExpressAdapter {
  constructor(private readonly serverOptions: ServerOptions) {
    super();
  }

  override initHttpServer(): void {
    class Request extends IncomingMessage {}
    class Response extends ServerResponse {}
    const express = this.getInstance<Express>();
    Object.setPrototypeOf(Request.prototype, express.request);
    Object.setPrototypeOf(Response.prototype, express.response);
    express.request = Request.prototype as Express['request'];
    express.response = Response.prototype as Express['response'];
    const constructors = { IncomingMessage: Request, ServerResponse: Response };
    const handle = express as (...args: [IncomingMessage, ServerResponse, Unrouted]) => void;
    // Node would answer a request without Host by itself, and one with an expectation that it does not know.
    const options = { ...this.serverOptions, ...constructors, requireHostHeader: false };
    const server = createServer(options, (request, response) =>
      handle(request, response, (error) => {
        // What comes to Express's own end was not even shown to its routes, unless it is an error that nobody took.
        if (error != null) return giveUp(response, error);
        replaceTarget(request);
        handle(request, response, (why) => giveUp(response, why));
      }),
    );
    server.on('checkExpectation', (request, response) => server.emit('request', request, response));
    this.httpServer = server;
  }

  /** What a handler returns is JSON, written as one Buffer: Express's own `json` costs as much as a short answer does. */
  override reply(response: Response, body: unknown, statusCode?: number): unknown {
    if (!isPlain(body)) return super.reply(response, body, statusCode) as unknown;
    const bytes = Buffer.from(JSON.stringify(body));
    if (statusCode !== undefined) response.statusCode = statusCode;
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Content-Length', bytes.length);
    return response.end(bytes);
  }
}

function giveUp(response: ServerResponse, error: unknown): void {
  PinoLogger.root.error({ err: error }, 'bug');
  response.statusCode = 500; // for the request's line and its count: nobody is left to write an answer
  response.destroy();
}

function isPlain(body: unknown): body is object {
  if (typeof body !== 'object' || body === null) return false;
  return Array.isArray(body) || Object.getPrototypeOf(body) === Object.prototype;
}
