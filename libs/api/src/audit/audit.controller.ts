// Audit logs and alarms over REST.
import { Readable } from 'node:stream';
import { Controller, Delete, Get, HttpCode, Param, Query, StreamableFile } from '@nestjs/common';
import { alarm, alarmPage, alarmProof, auditQuery, auditRowsPage, auditRowsQuery, auditVerification } from '#protocol';
import type { AlarmProof } from '#protocol';
import type { z } from 'zod';
import { ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs } from '../keys/roles.js';
import { AuditService } from './audit.service.js';

@Controller('v1')
@ApiTags('audit')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get('audit')
  @Needs('admin')
  @ApiOperation({ summary: 'The audit log of a connection as JSON lines, for `writ audit verify`' })
  @ApiResponse({ status: 200, content: { 'application/jsonl': { schema: { type: 'string' } } } })
  async export(@CallerOf() { actor }: Caller, @Query({ schema: auditQuery }) { peer }: { peer: string }) {
    return new StreamableFile(Readable.from(await this.audit.export(peer, actor)), { type: 'application/jsonl' });
  }

  @Get('audit/rows')
  @Needs('admin')
  @ApiOperation({ summary: 'Rows of the audit log of a connection, the newest first, each with its exact message' })
  @ApiResponse({ status: 200, standardSchema: auditRowsPage })
  rows(@CallerOf() { actor }: Caller, @Query({ schema: auditRowsQuery }) query: z.output<typeof auditRowsQuery>) {
    const { peer, before, kind, limit } = query;
    return this.audit.rows(peer, { before, kinds: kind, limit }, actor);
  }

  @Get('audit/verification')
  @Needs('admin')
  @ApiOperation({ summary: 'Verify the audit log of a connection as it stands, as `writ audit verify` does' })
  @ApiResponse({ status: 200, standardSchema: auditVerification })
  verification(@Query({ schema: auditQuery }) { peer }: { peer: string }) {
    return this.audit.verify(peer);
  }

  @Get('alarms')
  @ApiOperation({ summary: 'What an honest peer never does, the one heard of last first' })
  @ApiResponse({ status: 200, standardSchema: alarmPage })
  alarms() {
    return this.audit.alarms();
  }

  @Get('alarms/:id')
  @Needs('admin')
  @ApiOperation({ summary: 'One alarm with the exact messages that prove it' })
  @ApiResponse({ status: 200, standardSchema: alarmProof })
  proof(@Param('id', { schema: alarm.shape.id }) id: string): Promise<AlarmProof> {
    return this.audit.proof(id);
  }

  @Delete('alarms/:id')
  @HttpCode(204)
  @Needs('admin')
  @ApiOperation({ summary: 'Forget an alarm that was seen to' })
  @ApiResponse({ status: 204, description: 'Forgotten' })
  clear(@CallerOf() { actor }: Caller, @Param('id', { schema: alarm.shape.id }) id: string): Promise<void> {
    return this.audit.clear(id, actor);
  }
}
