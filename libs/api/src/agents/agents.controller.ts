// Agents over REST, alike on hub and spoke: one over the fleet, the other over its own.
import { Body, Controller, Get, Post, Query, Res } from '@nestjs/common';
import {
  agentCounts,
  agentListQuery,
  agentPage,
  agentResource,
  killSelected,
  outputPiece,
  outputQuery,
  reasonBody,
  spawnRequest,
} from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import { Gateway } from '../gateway.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs, Unlimited } from '../keys/roles.js';
import { IdempotencyKey, LastEventId, WaitMs } from '../requests/headers.js';
import { Streams } from '../streams/streams.js';
import { agentQuery, answerKill, answerSpawn, killSelection, outputMessages } from './answers.js';
import { AgentId, Awaits, AwaitsKill } from './waiting.js';

const outputBytesMax = 262_144;

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
  @Awaits(201, agentResource, 'Spawned')
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

  @Get('counts')
  @ApiOperation({ summary: 'How many agents in which state; on a hub for each spoke too, and how old its word is' })
  @ApiResponse({ status: 200, standardSchema: agentCounts })
  counts() {
    return this.gateway.counts();
  }

  @Post('kill')
  @Needs('operator')
  @Unlimited()
  @ApiOperation({ summary: 'Kill all live agents of a selection; sets no latch' })
  @AwaitsKill()
  async killSelected(
    @CallerOf() caller: Caller,
    @Body({ schema: killSelected }) body: z.output<typeof killSelected>,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerKill(reply, await this.gateway.killSelected(caller, killSelection(body), waitMs));
  }

  @Get(':id')
  @ApiOperation({ summary: 'One agent' })
  @ApiResponse({ status: 200, standardSchema: agentResource })
  get(@AgentId() agent: string) {
    return this.gateway.get(agent);
  }

  @Get(':id/output')
  @ApiOperation({ summary: 'Output as an event stream; with `follow=false` what is there now' })
  @ApiHeader({ name: 'Last-Event-ID', description: 'Goes on after this piece; wins over `cursor`' })
  @ApiResponse({ status: 200, standardSchema: outputPiece })
  async output(
    @AgentId() agent: string,
    @Query({ schema: outputQuery }) query: z.output<typeof outputQuery>,
    @LastEventId() last: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const cursor = last ?? query.cursor;
    if (!query.follow) return reply.send(await this.gateway.readOutput(agent, cursor, outputBytesMax));
    await this.gateway.get(agent);
    return this.streams.send(reply, (signal) => outputMessages(this.gateway.output(agent, cursor, signal)));
  }

  @Post(':id/kill')
  @Needs('operator')
  @Unlimited()
  @ApiOperation({ summary: 'Kill an agent; killing an ended one is no error' })
  @AwaitsKill()
  async kill(
    @CallerOf() caller: Caller,
    @AgentId() agent: string,
    @Body({ schema: reasonBody }) { reason }: z.output<typeof reasonBody>,
    @WaitMs() waitMs: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerKill(reply, await this.gateway.kill(caller, agent, reason, waitMs));
  }
}
