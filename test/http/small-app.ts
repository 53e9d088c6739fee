import {
  Body,
  Controller,
  Delete,
  Get,
  Global,
  Module,
  Param,
  Post,
  Put,
  Req,
  Res,
  type DynamicModule,
} from '@nestjs/common';
import type { Express, Request, Response } from 'express';
import { Config } from '../../src/config.js';
import { Anyone, type CalledRequest } from '../../src/http/access.js';
import { HttpModule } from '../../src/http/http.module.js';
import { WIRES, type Wire } from '../../src/http/wire.js';
import { Refusal } from '../../src/refusal.js';

/** Bytes that are still being sent when the route has written them. */
export const LARGER_THAN_SOCKETS_HOLD = 16 * 1024 * 1024;

/** Words a refusal as its bare reason, so that the tests speak of reasons and not of an API's words. */
const plainWire: Wire = {
  prefix: '/api/v2',
  readBody: (request, _, next) => {
    if (Buffer.isBuffer(request.body)) request.body = { bytes: request.body.length };
    next();
  },
  write: (response, refusal) => {
    if (refusal.allow) response.setHeader('Allow', refusal.allow.join(', '));
    const status = { internal: 500, unavailable: 503, payload_too_large: 413, unsupported_media_type: 415 };
    const other = {
      headers_too_large: 431,
      route_unknown: 404,
      method_not_allowed: 405,
      bad_request: 400,
      forbidden: 403,
    };
    const known: Record<string, number> = { ...status, ...other };
    response
      .status(known[refusal.reason] ?? 418)
      .json({ reason: refusal.reason, problems: refusal.problems });
  },
};

@Controller('api/v2/things')
@Anyone()
class ThingsController {
  @Get(':id')
  read(@Param('id') id: string, @Req() request: CalledRequest) {
    Object.assign(request, { caller: { user: { id: '7' }, session: { id: '9' } } });
    return { id, ip: request.ip, query: request.query, publicUrl: request.app.locals.publicUrl };
  }

  @Post()
  write(@Body() body: unknown) {
    return body;
  }

  @Put(':id')
  refuse() {
    throw new Refusal('forbidden');
  }

  @Delete(':id')
  fail() {
    throw Object.assign(new Error('a bug with s3cr3t-parameter'), {
      detail: 's3cr3t-detail',
      parameters: ['s3cr3t'],
    });
  }

  @Delete(':id/database')
  failInDatabase() {
    const message = 'invalid input syntax for type bigint: "s3cr3t"';
    throw Object.assign(new Error(message), {
      name: 'QueryFailedError',
      parameters: ['s3cr3t'],
      code: '22P02',
    });
  }

  @Get(':id/slow/:milliseconds')
  slow(@Param('milliseconds') milliseconds: string) {
    return new Promise((resolve) => setTimeout(() => resolve({ slow: true }), Number(milliseconds)));
  }

  @Get(':id/express')
  express(@Req() request: Request, @Res() response: Response) {
    const app = request.app as Express;
    const own = [request, response].map((object) => Object.getPrototypeOf(object));
    const untouched =
      own[0] === app.request && own[1] === app.response && Object.hasOwn(own[0], 'constructor');
    const seen = {
      untouched,
      accepts: request.accepts('json'),
      header: request.get('X-Test'),
      host: request.hostname,
    };
    response.status(201).set('X-Seen', 'yes').location('/there').json(seen);
  }

  @Get(':id/broken/:part')
  breakOff(@Param('part') part: string, @Res() response: Response) {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    if (part === 'half') response.write('half');
    else response.end('x'.repeat(LARGER_THAN_SOCKETS_HOLD));
    throw new Error('a bug behind an answer');
  }

  @Get(':id/crash')
  crash() {
    void Promise.reject(new Error('nobody handles this'));
    return {};
  }
}

@Global()
@Module({})
class Foundation {}

@Module({})
class SmallAppModule {}

/** A root module with the web and one controller: no database, no API. */
export function smallApp(environment: Record<string, string> = {}): DynamicModule {
  const config = new Config({ NODE_ENV: 'test', LOG_LEVEL: 'silent', ...environment });
  const providers = [
    { provide: Config, useValue: config },
    { provide: WIRES, useValue: [plainWire] },
  ];
  return {
    module: SmallAppModule,
    imports: [{ module: Foundation, providers, exports: [Config, WIRES] }, HttpModule],
    controllers: [ThingsController],
  };
}
