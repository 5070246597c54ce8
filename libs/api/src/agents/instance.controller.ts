// The instance about itself: alive, ready, and what `writ doctor` asks.
import { Controller, Get, Res } from '@nestjs/common';
import { instanceResource, readiness } from '#protocol';
import type { FastifyReply } from 'fastify';
import { ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import { Gateway } from '../gateway.js';
import { Public } from '../keys/roles.js';

@Controller()
@ApiTags('instance')
export class InstanceController {
  constructor(private readonly gateway: Gateway) {}

  @Get('v1/instance')
  @ApiOperation({ summary: 'Who this is, its clock, and what it finds wrong with itself' })
  @ApiResponse({ status: 200, standardSchema: instanceResource })
  instance() {
    return this.gateway.instance();
  }

  @Get('healthz')
  @Public()
  @ApiOperation({ summary: 'The process answers' })
  health() {
    return { alive: true };
  }

  @Get('readyz')
  @Public()
  @ApiOperation({ summary: 'It can do its work; else 503 and why not' })
  @ApiResponse({ status: 200, standardSchema: readiness })
  @ApiResponse({ status: 503, standardSchema: readiness })
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const answer = await this.gateway.ready();
    reply.code(answer.ready ? 200 : 503);
    return answer;
  }
}
