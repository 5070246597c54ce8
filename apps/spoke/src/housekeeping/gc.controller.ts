// Garbage collection over REST.
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags, CallerOf, Needs, type Caller } from '#api';
import { gcBody, gcReport, type GcReport, type GcRequest } from '#protocol';
import { HousekeepingService } from './housekeeping.service.js';

@Controller('v1/gc')
@ApiTags('housekeeping')
export class GcController {
  constructor(private readonly housekeeping: HousekeepingService) {}

  @Post()
  @HttpCode(200)
  @Needs('admin')
  @ApiOperation({ summary: 'Remove what is on disk and belongs to no live agent; a dry run only says what would go' })
  @ApiResponse({ status: 200, standardSchema: gcReport })
  collect(@CallerOf() caller: Caller, @Body({ schema: gcBody }) request: GcRequest): Promise<GcReport> {
    return this.housekeeping.gc(request, caller.actor);
  }
}
