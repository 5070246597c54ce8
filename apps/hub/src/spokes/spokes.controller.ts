// Partners' spokes over REST: who they are, and the hub's half of each connection.
import { Body, Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { connectionAct, connectionClose, labelsEdit, spoke, spokePage, spokeRef, type Spoke } from '#protocol';
import { ApiOperation, ApiResponse, ApiTags, CallerOf, Needs, type Caller } from '#api';
import type { z } from 'zod';
import { SpokesService } from './spokes.service.js';

type Act = z.output<typeof connectionAct>;

@Controller('v1/spokes')
@ApiTags('spokes')
export class SpokesController {
  constructor(private readonly spokes: SpokesService) {}

  @Get()
  @ApiOperation({ summary: 'The spokes of this hub, with what each allows and when it was last heard' })
  @ApiResponse({ status: 200, standardSchema: spokePage })
  list(): Promise<{ spokes: readonly Spoke[] }> {
    return this.spokes.list();
  }

  @Get(':id')
  @ApiOperation({ summary: 'One spoke, by name or id' })
  @ApiResponse({ status: 200, standardSchema: spoke })
  get(@Param('id', { schema: spokeRef }) ref: string): Promise<Spoke> {
    return this.spokes.get(ref);
  }

  @Post(':id/accept')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Accept a spoke whose six words are the right ones' })
  @ApiResponse({ status: 200, standardSchema: spoke })
  accept(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionAct }) act: Act,
  ) {
    return this.spokes.accept(ref, caller.actor, act);
  }

  @Post(':id/refuse')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Refuse a spoke that waits to be accepted; final' })
  @ApiResponse({ status: 200, standardSchema: spoke })
  refuse(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionAct }) act: Act,
  ) {
    return this.spokes.refuse(ref, caller.actor, act);
  }

  @Post(':id/suspend')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Suspend: status and kill still pass' })
  @ApiResponse({ status: 200, standardSchema: spoke })
  suspend(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionAct }) act: Act,
  ) {
    return this.spokes.suspend(ref, caller.actor, act);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Take back our own suspension' })
  @ApiResponse({ status: 200, standardSchema: spoke })
  resume(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionAct }) act: Act,
  ) {
    return this.spokes.resume(ref, caller.actor, act);
  }

  @Put(':id/labels')
  @Needs('admin')
  @ApiOperation({ summary: 'Give a spoke these labels in place of those it had' })
  @ApiResponse({ status: 200, standardSchema: spoke })
  label(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: labelsEdit }) edit: z.output<typeof labelsEdit>,
  ) {
    return this.spokes.label(ref, caller.actor, edit);
  }

  @Post(':id/close')
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Close for good; its agents are killed unless told otherwise' })
  @ApiResponse({ status: 200, standardSchema: spoke })
  close(
    @CallerOf() caller: Caller,
    @Param('id', { schema: spokeRef }) ref: string,
    @Body({ schema: connectionClose }) how: z.output<typeof connectionClose>,
  ) {
    return this.spokes.close(ref, caller.actor, how);
  }
}
