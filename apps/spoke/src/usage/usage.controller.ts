// What this spoke has spent, over REST.
import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '#api';
import { usageQuery, usageReport, type UsageReport } from '#protocol';
import type { z } from 'zod';
import { UsageService } from './usage.service.js';

@Controller('v1/usage')
@ApiTags('usage')
export class UsageController {
  constructor(private readonly usage: UsageService) {}

  @Get()
  @ApiOperation({ summary: 'Agents, turns, tokens, money and wall time by hub, repository or day (UTC)' })
  @ApiResponse({ status: 200, standardSchema: usageReport })
  report(@Query({ schema: usageQuery }) query: z.output<typeof usageQuery>): Promise<UsageReport> {
    return this.usage.report(query);
  }
}
