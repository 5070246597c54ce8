// The drain over REST: set, looked at, lifted.
import { Body, Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags, CallerOf, Needs, type Caller } from '#api';
import { drainBody, drainState, type DrainState } from '#protocol';
import type { z } from 'zod';
import { HousekeepingService } from './housekeeping.service.js';

@Controller('v1/drain')
@ApiTags('housekeeping')
export class DrainController {
  constructor(private readonly housekeeping: HousekeepingService) {}

  @Post()
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Take no new agents until it is lifted, also after a restart; those that are there go on' })
  @ApiResponse({ status: 200, standardSchema: drainState })
  drain(
    @CallerOf() caller: Caller,
    @Body({ schema: drainBody }) { reason }: z.output<typeof drainBody>,
  ): Promise<DrainState> {
    return this.housekeeping.drain(reason, caller.actor);
  }

  @Get()
  @ApiOperation({ summary: 'Whether it drains, and how many agents have not ended' })
  @ApiResponse({ status: 200, standardSchema: drainState })
  state(): Promise<DrainState> {
    return this.housekeeping.drainState();
  }

  @Delete()
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Take new agents again' })
  @ApiResponse({ status: 200, standardSchema: drainState })
  lift(@CallerOf() caller: Caller): Promise<DrainState> {
    return this.housekeeping.lift(caller.actor);
  }
}
