// Hubs over REST: joining one, what each may do, and this spoke's half of each connection.
import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  connectionAct,
  connectionClose,
  grantEdit,
  grantEdited,
  grantEditQuery,
  heldGrant,
  hub,
  hubInspect,
  hubJoin,
  hubPage,
  inviteDetails,
  spokeRef,
  type GrantEdited,
  type HeldGrant,
  type Hub,
  type InviteDetails,
} from '#protocol';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags, CallerOf, IfMatch, Needs, type Caller } from '#api';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { HubsService } from './hubs.service.js';

type Act = z.output<typeof connectionAct>;

/** The version of a grant is its ETag (RFC 9110, 8.8.3): what `If-Match` of the next edit names. */
function tagged<T extends HeldGrant>(reply: FastifyReply, held: T): T {
  reply.header('etag', `"${held.version}"`);
  return held;
}

@Controller('v1/hubs')
@ApiTags('hubs')
export class HubsController {
  constructor(private readonly hubs: HubsService) {}

  @Post('inspect')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Look at an invite; nothing is sent' })
  @ApiResponse({ status: 200, standardSchema: inviteDetails })
  inspect(@Body({ schema: hubInspect }) { invite }: z.output<typeof hubInspect>): InviteDetails {
    return this.hubs.inspect(invite);
  }

  @Post()
  @Needs('admin')
  @ApiOperation({ summary: 'Join the hub of an invite under a grant; it stays pending until the hub accepts' })
  @ApiResponse({ status: 201, standardSchema: hub })
  join(@CallerOf() caller: Caller, @Body({ schema: hubJoin }) body: z.output<typeof hubJoin>): Promise<Hub> {
    return this.hubs.join(body, caller.actor);
  }

  @Get()
  @ApiOperation({ summary: 'The hubs of this spoke' })
  @ApiResponse({ status: 200, standardSchema: hubPage })
  list(): Promise<{ hubs: readonly Hub[] }> {
    return this.hubs.list();
  }

  @Get(':id')
  @ApiOperation({ summary: 'One hub, by name, id or connection id' })
  @ApiResponse({ status: 200, standardSchema: hub })
  get(@Param('id', { schema: spokeRef }) ref: string): Promise<Hub> {
    return this.hubs.get(ref);
  }

  @Get(':id/grant')
  @ApiOperation({ summary: 'What the hub may do' })
  @ApiResponse({ status: 200, standardSchema: heldGrant, description: 'Its version is the ETag' })
  async grant(
    @Param('id', { schema: spokeRef }) ref: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<HeldGrant> {
    return tagged(reply, await this.hubs.grant(ref));
  }

  @Put(':id/grant')
  @Needs('admin')
  @ApiOperation({
    summary: 'Replace what the hub may do, in force at once; `dryRun=true` only says what it would change',
  })
  @ApiHeader({ name: 'If-Match', required: true, description: 'The version it replaces, as ETag; `*` for any' })
  @ApiResponse({ status: 200, standardSchema: grantEdited })
  async setGrant(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Query({ schema: grantEditQuery }) { dryRun }: z.output<typeof grantEditQuery>,
    @Body({ schema: grantEdit }) edit: z.output<typeof grantEdit>,
    @IfMatch() expected: number | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GrantEdited> {
    return tagged(reply, await this.hubs.setGrant(ref, { ...edit, expected, dryRun }, caller.actor));
  }

  @Post(':id/suspend')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Suspend: only status and kill still pass' })
  @ApiResponse({ status: 200, standardSchema: hub })
  suspend(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionAct }) act: Act,
  ) {
    return this.hubs.suspend(ref, caller.actor, act);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Take back our own suspension' })
  @ApiResponse({ status: 200, standardSchema: hub })
  resume(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionAct }) act: Act,
  ) {
    return this.hubs.resume(ref, caller.actor, act);
  }

  @Post(':id/close')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Close for good; its agents are killed unless told otherwise' })
  @ApiResponse({ status: 200, standardSchema: hub })
  close(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionClose }) how: z.output<typeof connectionClose>,
  ) {
    return this.hubs.close(ref, caller.actor, how);
  }
}
