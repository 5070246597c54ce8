// Backups over REST: made on the instance's machine, named in the answer, never sent.
import { Controller, Post } from '@nestjs/common';
import { backupMade, type BackupMade } from '#protocol';
import { ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import type { Caller } from '../gateway.js';
import { CallerOf, Needs } from '../keys/roles.js';
import { BackupService } from './backup.service.js';

@Controller('v1/backup')
@ApiTags('housekeeping')
export class BackupController {
  constructor(private readonly backups: BackupService) {}

  @Post()
  @Needs('admin')
  @ApiOperation({ summary: 'Write store and keys into one file of the state folder; worktrees are not in it' })
  @ApiResponse({ status: 201, standardSchema: backupMade })
  make(@CallerOf() caller: Caller): Promise<BackupMade> {
    return this.backups.make(caller.actor);
  }
}
