// Grants by themselves over REST: what one may look like, and what is wrong with one that is being written. Nothing is changed.
import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '#api';
import { grantCheck, grantFaults, grantJsonSchema, grantSchemaResource, readGrant, type GrantFaults } from '#protocol';

const faultsMax = 100;
const pathCharsMax = 300;

@Controller('v1/grants')
@ApiTags('hubs')
export class GrantsController {
  @Get('schema')
  @ApiOperation({ summary: 'The JSON Schema of a grant, for an editor' })
  @ApiResponse({ status: 200, standardSchema: grantSchemaResource })
  schema() {
    return grantJsonSchema();
  }

  @Post('validate')
  @HttpCode(200)
  @ApiOperation({ summary: 'Every fault of a grant, with what is allowed there; nothing is changed' })
  @ApiResponse({ status: 200, standardSchema: grantFaults })
  validate(@Body({ schema: grantCheck }) { grant }: { grant?: unknown }): GrantFaults {
    const reading = readGrant(grant);
    const faults = reading.ok ? [] : reading.faults;
    const shown = faults.slice(0, faultsMax).map((fault) => ({ ...fault, path: fault.path.slice(0, pathCharsMax) }));
    return { ok: reading.ok, faults: shown, more: faults.length - shown.length };
  }
}
