// The instance's figures for Prometheus. Like every resource they want a key; its least role is viewer.
import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiOperation, ApiProduces, ApiTags } from '../docs/describing.js';
import { Metrics } from './metrics.js';

@Controller('metrics')
@ApiTags('instance')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @ApiOperation({ summary: 'Figures in the text format of Prometheus' })
  @ApiProduces('text/plain')
  text(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    reply.type(this.metrics.contentType);
    return this.metrics.text();
  }
}
