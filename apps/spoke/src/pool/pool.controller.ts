// The warm pool over REST: what is kept up between turns.
import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '#api';
import { poolResource, type PoolResource } from '#protocol';
import { PoolService } from './pool.service.js';

@Controller('v1/pool')
@ApiTags('pool')
export class PoolController {
  constructor(private readonly pool: PoolService) {}

  @Get()
  @ApiOperation({ summary: 'Warm backends of sessions on this spoke' })
  @ApiResponse({ status: 200, standardSchema: poolResource })
  view(): PoolResource {
    return this.pool.view();
  }
}
