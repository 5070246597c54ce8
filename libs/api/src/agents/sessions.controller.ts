// Sessions over REST, alike on hub and spoke: another turn, the way back, and the close.
import { Body, Controller, Delete, Get, Post, Query, Res } from '@nestjs/common';
import { agentResource, checkpointList, closeQuery, restored, restoreRequest, turnRequest, turnTaken } from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import { Gateway } from '../gateway.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs } from '../keys/roles.js';
import { IdempotencyKey, WaitMs } from '../requests/headers.js';
import { answerClose, answerRestore, answerSend } from './answers.js';
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

  @Get(':id/checkpoints')
  @ApiOperation({ summary: 'What a session can go back to: the state before each turn, as far as it is kept' })
  @ApiResponse({ status: 200, standardSchema: checkpointList })
  async checkpoints(@AgentId() agentId: string) {
    return { checkpoints: await this.gateway.checkpoints(agentId) };
  }

  @Post(':id/restore')
  @Needs('operator')
  @ApiOperation({ summary: 'Files and conversation of an idle session as they were before a turn' })
  @ApiHeader({ name: 'Idempotency-Key', description: 'The same key and turn are done once' })
  @Awaits(200, restored, 'Done; what was there before is a checkpoint')
  async restore(
    @CallerOf() caller: Caller,
    @AgentId() agentId: string,
    @Body({ schema: restoreRequest }) body: z.output<typeof restoreRequest>,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerRestore(reply, await this.gateway.restore(caller, { agentId, ...body, idempotencyKey, waitMs }));
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
