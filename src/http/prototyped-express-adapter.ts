import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express } from 'express';
import { createServer, IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';

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
    this.httpServer = createServer({ ...this.serverOptions, ...constructors }, express);
  }
}
