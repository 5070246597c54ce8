// Commands over REST: how each ended, or that nobody knows yet.
import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '#api';
import { command, commandListQuery, commandPage, type Command, type CommandPage } from '#protocol';
import type { z } from 'zod';
import { CommandsView } from './commands.view.js';

@Controller('v1/commands')
@ApiTags('commands')
export class CommandsController {
  constructor(private readonly commands: CommandsView) {}

  @Get()
  @ApiOperation({ summary: 'The commands of this hub, newest first' })
  @ApiResponse({ status: 200, standardSchema: commandPage })
  list(@Query({ schema: commandListQuery }) query: z.output<typeof commandListQuery>): Promise<CommandPage> {
    return this.commands.page(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One command; `timed_out` does not say that it was not carried out' })
  @ApiResponse({ status: 200, standardSchema: command })
  get(@Param('id', { schema: command.shape.commandId }) id: string): Promise<Command> {
    return this.commands.get(id);
  }
}
