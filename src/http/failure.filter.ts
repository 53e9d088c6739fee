import { Catch, Inject, Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { PinoLogger } from 'nestjs-pino';
import { Refusal } from '../refusal.js';
import { allowedMethods } from './allowed-methods.js';
import { asRefusal } from './failure.js';
import { Metrics } from './metrics.js';
import { wireFor, WIRES, type Wire } from './wire.js';

/**
 * The one place where anything thrown becomes an answer: a refusal in the words of the API whose path was asked.
 * A bug is logged in full and answered `internal`, with nothing inside.
 */
@Injectable()
@Catch()
export class FailureFilter implements ExceptionFilter {
  constructor(
    @Inject(WIRES) private readonly wires: readonly Wire[],
    private readonly log: PinoLogger,
    private readonly metrics: Metrics,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const refusal = this.toRefusal(error, request);
    this.metrics.countRefusal(refusal.reason);
    if (response.headersSent) {
      if (!response.writableEnded) response.destroy(); // half an answer must not look like a whole one
      return;
    }
    wireFor(this.wires, request.originalUrl).write(response, refusal);
  }

  private toRefusal(error: unknown, request: Request): Refusal {
    const refusal = asRefusal(error);
    if (refusal === null) {
      this.log.error({ err: error }, 'bug');
      return new Refusal('internal');
    }
    if (refusal.reason === 'unavailable') this.log.warn({ err: error }, 'unavailable');
    if (refusal.reason !== 'route_unknown') return refusal;
    const allow = allowedMethods(request);
    return allow.length > 0 && !allow.includes(request.method)
      ? new Refusal('method_not_allowed', { allow })
      : refusal;
  }
}
