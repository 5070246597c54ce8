// Sessions over REST, alike on hub and spoke: another turn, and the close.
import { Body, Controller, Delete, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { agentResource, closeQuery, turnRequest, turnTaken } from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Gateway } from '../gateway.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs } from '../keys/roles.js';
import { IdempotencyKey, WaitMs } from '../requests/headers.js';
import { answerClose, answerSend } from './answers.js';
import { AgentId, Awaits } from './waiting.js';

@Controller('v1/agents')
@ApiTags('sessions')
export class SessionsController {
  constructor(private readonly gateway: Gateway) {}

  @Post(':id/turns')
  @Needs('operator')
  @ApiOperation({ summary: 'Another turn of a session; its result comes as an event and stands in the agent' })
  @ApiHeader({ name: 'Idempotency-Key', description: 'The same key and input give the same turn' })
  @Awaits(201, turnTaken, 'Taken on')
  async send(
    @CallerOf() caller: Caller,
    @AgentId() agentId: string,
    @Body({ schema: turnRequest }) { input }: z.output<typeof turnRequest>,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerSend(reply, await this.gateway.send(caller, { agentId, input, idempotencyKey, waitMs }));
  }

  @Delete(':id')
  @Needs('operator')
  @ApiOperation({ summary: 'Close a session; refused with what is at risk, unless `force=true`' })
  @Awaits(200, agentResource, 'Ended; its work is kept')
  async close(
    @CallerOf() caller: Caller,
    @AgentId() agentId: string,
    @Query({ schema: closeQuery }) query: z.output<typeof closeQuery>,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerClose(reply, await this.gateway.close(caller, { agentId, ...query, waitMs }));
  }
}
