// Agents over REST, alike on hub and spoke: one over the fleet, the other over its own.
import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  agentId,
  agentListQuery,
  agentPage,
  agentResource,
  diffResource,
  killOutcome,
  outputPiece,
  outputQuery,
  pendingCommand,
  reasonBody,
  spawnRequest,
} from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Gateway } from '../gateway.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs, Unlimited } from '../keys/roles.js';
import { IdempotencyKey, LastEventId, WaitMs, WantsText } from '../requests/headers.js';
import { Streams } from '../streams/streams.js';
import { agentQuery, answerDiff, answerKill, answerSpawn, outputMessages } from './answers.js';

const id = { schema: agentId };
const outputBytesMax = 262_144;
const waitHeader = { name: 'Prefer', description: '`wait=N`: seconds to wait for the peer, 5 by default, 60 at most' };

@Controller('v1/agents')
@ApiTags('agents')
export class AgentsController {
  constructor(
    private readonly gateway: Gateway,
    private readonly streams: Streams,
  ) {}

  @Post()
  @Needs('operator')
  @ApiOperation({ summary: 'Spawn an agent' })
  @ApiHeader({ name: 'Idempotency-Key', description: 'The same key and body give the same agent' })
  @ApiHeader(waitHeader)
  @ApiResponse({ status: 201, standardSchema: agentResource, description: 'Spawned' })
  @ApiResponse({ status: 202, standardSchema: pendingCommand, description: 'On its way; see Location' })
  async spawn(
    @CallerOf() caller: Caller,
    @Body({ schema: spawnRequest }) { spoke, ...args }: z.output<typeof spawnRequest>,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerSpawn(reply, await this.gateway.spawn(caller, { spoke, args, idempotencyKey, waitMs }));
  }

  @Get()
  @ApiOperation({ summary: 'List agents, newest first' })
  @ApiResponse({ status: 200, standardSchema: agentPage })
  list(@Query({ schema: agentListQuery }) query: z.output<typeof agentListQuery>) {
    return this.gateway.list(agentQuery(query));
  }

  @Get(':id')
  @ApiOperation({ summary: 'One agent' })
  @ApiResponse({ status: 200, standardSchema: agentResource })
  get(@Param('id', id) agent: string) {
    return this.gateway.get(agent);
  }

  @Get(':id/output')
  @ApiOperation({ summary: 'Output as an event stream; with `follow=false` what is there now' })
  @ApiHeader({ name: 'Last-Event-ID', description: 'Goes on after this piece; wins over `cursor`' })
  @ApiResponse({ status: 200, standardSchema: outputPiece })
  async output(
    @Param('id', id) agent: string,
    @Query({ schema: outputQuery }) query: z.output<typeof outputQuery>,
    @LastEventId() last: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const cursor = last ?? query.cursor;
    if (!query.follow) return reply.send(await this.gateway.readOutput(agent, cursor, outputBytesMax));
    await this.gateway.get(agent);
    return this.streams.send(reply, (signal) => outputMessages(this.gateway.output(agent, cursor, signal)));
  }

  @Get(':id/diff')
  @ApiOperation({ summary: 'What the agent changed; as `text/x-diff` when Accept asks for text' })
  @ApiResponse({ status: 200, standardSchema: diffResource })
  async diff(
    @Param('id', id) agent: string,
    @WantsText() asText: boolean,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerDiff(reply, await this.gateway.diff(agent), asText);
  }

  @Post(':id/kill')
  @Needs('operator')
  @Unlimited()
  @ApiOperation({ summary: 'Kill an agent; killing an ended one is no error' })
  @ApiHeader(waitHeader)
  @ApiResponse({ status: 200, standardSchema: killOutcome, description: 'A last look found nothing alive' })
  @ApiResponse({ status: 202, standardSchema: killOutcome, description: 'A peer has not answered yet' })
  async kill(
    @CallerOf() caller: Caller,
    @Param('id', id) agent: string,
    @Body({ schema: reasonBody }) { reason }: z.output<typeof reasonBody>,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerKill(reply, await this.gateway.kill(caller, agent, reason, waitMs));
  }
}
