// Sessions over REST, alike on hub and spoke: another turn, and the close.
import { Body, Controller, Delete, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { agentId, agentResource, closeQuery, pendingCommand, turnRequest, turnTaken } from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Gateway } from '../gateway.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs } from '../keys/roles.js';
import { IdempotencyKey, WaitMs } from '../requests/headers.js';
import { answerClose, answerSend } from './answers.js';

const id = { schema: agentId };
const waitHeader = { name: 'Prefer', description: '`wait=N`: seconds to wait for the peer, 5 by default, 60 at most' };

@Controller('v1/agents')
@ApiTags('sessions')
export class SessionsController {
  constructor(private readonly gateway: Gateway) {}

  @Post(':id/turns')
  @Needs('operator')
  @ApiOperation({ summary: 'Another turn of a session; its result comes as an event and stands in the agent' })
  @ApiHeader({ name: 'Idempotency-Key', description: 'The same key and input give the same turn' })
  @ApiHeader(waitHeader)
  @ApiResponse({ status: 201, standardSchema: turnTaken, description: 'Taken on' })
  @ApiResponse({ status: 202, standardSchema: pendingCommand, description: 'On its way; see Location' })
  async send(
    @CallerOf() caller: Caller,
    @Param('id', id) agentId: string,
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
  @ApiHeader(waitHeader)
  @ApiResponse({ status: 200, standardSchema: agentResource, description: 'Ended; its work is kept' })
  @ApiResponse({ status: 202, standardSchema: pendingCommand, description: 'On its way; see Location' })
  async close(
    @CallerOf() caller: Caller,
    @Param('id', id) agentId: string,
    @Query({ schema: closeQuery }) query: z.output<typeof closeQuery>,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerClose(reply, await this.gateway.close(caller, { agentId, ...query, waitMs }));
  }
}
