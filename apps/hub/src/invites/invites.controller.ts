// Invites over REST: made, listed and revoked by the hub's admins. The line itself is in one answer only.
import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { invite, inviteCreate, inviteCreated, invitePage, type Invite, type InviteCreated } from '#protocol';
import { ApiOperation, ApiResponse, ApiTags, CallerOf, Needs, type Caller } from '#api';
import type { z } from 'zod';
import { InvitesService } from './invites.service.js';

@Controller('v1/invites')
@ApiTags('invites')
@Needs('admin')
export class InvitesController {
  constructor(private readonly invites: InvitesService) {}

  @Post()
  @ApiOperation({ summary: 'Make an invite: one line to hand over, good once' })
  @ApiResponse({ status: 201, standardSchema: inviteCreated })
  create(
    @CallerOf() caller: Caller,
    @Body({ schema: inviteCreate }) body: z.output<typeof inviteCreate>,
  ): Promise<InviteCreated> {
    return this.invites.create(body, caller.actor);
  }

  @Get()
  @ApiOperation({ summary: 'The invites of the last day' })
  @ApiResponse({ status: 200, standardSchema: invitePage })
  list(): Promise<{ invites: readonly Invite[] }> {
    return this.invites.list();
  }

  @Delete(':id')
  @ApiOperation({ summary: 'Revoke an invite that nobody has used' })
  @ApiResponse({ status: 200, standardSchema: invite })
  revoke(@CallerOf() caller: Caller, @Param('id', { schema: invite.shape.id }) id: string): Promise<Invite> {
    return this.invites.revoke(id, caller.actor);
  }
}
