// The killswitch over REST: sets a latch and kills; the latch holds until it is reset. The reset is a POST of its own,
// because a DELETE with a body has no defined meaning (RFC 9110, 9.3.5) and the reason has to travel.
import { Body, Controller, Get, HttpCode, Post, Res } from '@nestjs/common';
import { killBody, latchPage } from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import { Gateway } from '../gateway.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs, Unlimited } from '../keys/roles.js';
import { WaitMs } from '../requests/headers.js';
import { answerKill } from './answers.js';
import { AwaitsKill } from './waiting.js';

type KillBody = z.output<typeof killBody>;

@Controller('v1/kill')
@ApiTags('kill')
export class KillController {
  constructor(private readonly gateway: Gateway) {}

  @Post()
  @Needs('operator')
  @Unlimited()
  @ApiOperation({ summary: 'Kill all agents of a scope and refuse new ones until the reset' })
  @AwaitsKill()
  async kill(
    @CallerOf() caller: Caller,
    @Body({ schema: killBody }) scope: KillBody,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerKill(reply, await this.gateway.killAll(caller, scope, waitMs));
  }

  @Post('reset')
  @HttpCode(200)
  @Needs('operator')
  @Unlimited()
  @ApiOperation({ summary: 'Clear the latch of a scope; answers with the latches that remain' })
  @ApiResponse({ status: 200, standardSchema: latchPage })
  async reset(@CallerOf() caller: Caller, @Body({ schema: killBody }) scope: KillBody) {
    return { latches: await this.gateway.reset(caller, scope) };
  }

  @Get()
  @Unlimited()
  @ApiOperation({ summary: 'The latches that are set' })
  @ApiResponse({ status: 200, standardSchema: latchPage })
  async latches() {
    return { latches: await this.gateway.latches() };
  }
}
