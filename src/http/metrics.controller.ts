import { Controller, Get, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Anyone } from './access.js';
import { Metrics } from './metrics.js';

@Controller('metrics')
@Anyone()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  /** The figures for Prometheus; they hold route templates and counts, nothing about users. */
  @Get()
  async show(@Res() response: Response): Promise<void> {
    const { contentType, text } = await this.metrics.exposition();
    response.set('Content-Type', contentType).end(Buffer.from(text));
  }
}
