import { Controller, Get, Res, ServiceUnavailableException } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { HealthCheckService, TypeOrmHealthIndicator } from '@nestjs/terminus';
import type { Response } from 'express';
import type { Server } from 'node:http';
import { Anyone } from './access.js';

const DATABASE_ANSWERS_WITHIN_MILLISECONDS = 2_000;

/** For supervisors and load balancers; tells neither versions nor addresses. */
@Controller('health')
@Anyone()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: TypeOrmHealthIndicator,
    private readonly adapter: HttpAdapterHost,
  ) {}

  /** 200 while the process runs, whatever the database does. */
  @Get('live')
  live(@Res() response: Response): void {
    answer(response, 200, { status: 'ok' });
  }

  /** 200 when requests can be served; 503 while the database does not answer, and from the stop signal on. */
  @Get('ready')
  async ready(@Res() response: Response): Promise<void> {
    const server = this.adapter.httpAdapter.getHttpServer() as Server;
    if (!server.listening) return answer(response, 503, { status: 'stopping' });
    const up = await this.databaseAnswers();
    answer(response, up ? 200 : 503, { status: up ? 'ok' : 'error', database: up ? 'up' : 'down' });
  }

  private async databaseAnswers(): Promise<boolean> {
    try {
      const timeout = DATABASE_ANSWERS_WITHIN_MILLISECONDS;
      await this.health.check([() => this.database.pingCheck('database', { timeout })]);
      return true;
    } catch (error) {
      if (error instanceof ServiceUnavailableException) return false;
      throw error;
    }
  }
}

function answer(response: Response, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
