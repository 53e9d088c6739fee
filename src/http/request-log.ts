import { Injectable } from '@nestjs/common';
import type { NextFunction, Response } from 'express';
import { Logger, PinoLogger, type Params } from 'nestjs-pino';
import { randomUUID } from 'node:crypto';
import { stdTimeFunctions } from 'pino';
import type { Config } from '../config.js';
import type { CalledRequest } from './access.js';
import { clientAddress } from './client-address.js';
import { describeError } from './failure.js';
import { GatheredLines } from './gathered-lines.js';
import { Metrics } from './metrics.js';
import { currentRequestId, serveUnder } from './request-id.js';

// pino's own stream retries for ever, and blocks the process, when the disk beneath it is full.
const output = new GatheredLines(process.stdout);

/** How every line is written: JSON on standard output, errors without anything that a user sent. */
export function loggerOptions(config: Config): Params {
  return {
    pinoHttp: {
      level: config.get('LOG_LEVEL'),
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      wrapSerializers: false,
      serializers: { err: describeError },
      mixin: () => ({ requestId: currentRequestId() }),
      stream: output,
    },
    forRoutes: [], // RequestLog writes the line: pino-http would keep the request's headers and raw URL
  };
}

/** What Nest says while it starts is for debugging; what it warns of stays. */
@Injectable()
export class NestLog extends Logger {
  override log(message: unknown, ...rest: unknown[]): void {
    this.debug(message, ...rest);
  }
}

/**
 * Gives each request its id, and each answer one line and one count. Neither ever holds the raw path, the query,
 * a header or the body: the route's template stands for them (SECURITY.md 53).
 */
@Injectable()
export class RequestLog {
  constructor(private readonly metrics: Metrics) {}

  /** Express middleware, the first of all; every line logged while the request is served carries its id. */
  readonly follow = (request: CalledRequest, response: Response, next: NextFunction): void => {
    const startedAt = performance.now();
    const requestId = randomUUID(); // ours, not the client's: it must not be able to forge or collide
    const ip = clientAddress(request);
    response.setHeader('X-Request-Id', requestId);
    response.once('close', () => {
      const milliseconds = performance.now() - startedAt;
      const route = (request.route as { path: string } | undefined)?.path;
      this.write(request, response, { requestId, route, milliseconds, ip });
      this.metrics.countRequest(request.method, route, response.statusCode, milliseconds / 1000);
    });
    serveUnder(requestId, next);
  };

  private write(
    { method, caller }: CalledRequest,
    { statusCode, writableFinished }: Response,
    measured: { requestId: string; route: string | undefined; milliseconds: number; ip: string },
  ): void {
    const line = {
      requestId: measured.requestId,
      method,
      route: measured.route ?? null,
      status: statusCode,
      milliseconds: Math.round(measured.milliseconds * 100) / 100,
      ip: measured.ip,
      userId: caller?.user.id,
      sessionId: caller?.session.id,
      aborted: writableFinished ? undefined : true,
    };
    PinoLogger.root[statusCode >= 500 ? 'warn' : 'info'](line, 'request');
  }
}
