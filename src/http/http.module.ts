import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LoggerModule } from 'nestjs-pino';
import { Config } from '../config.js';
import { FailureFilter } from './failure.filter.js';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { loggerOptions, NestLog, RequestLog } from './request-log.js';

/** The web without any API: log, metrics, health, and the filter. Needs `Config` and `WIRES` from a global module. */
@Module({
  imports: [
    LoggerModule.forRootAsync({ inject: [Config], useFactory: loggerOptions }),
    TerminusModule.forRoot({ logger: false }),
  ],
  controllers: [HealthController, MetricsController],
  providers: [Metrics, NestLog, RequestLog, FailureFilter],
  exports: [Metrics, FailureFilter],
})
export class HttpModule {}
