// The connections of the tiny instance: invites, spokes and hubs as records, so that the client and the command line
// have both sides of a pairing to talk to.
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { CallerOf, IfMatch, Needs } from '#api';
import type { Caller } from '#api';
import {
  commandListQuery,
  connectionAct,
  connectionClose,
  grantChanges,
  grantEdit,
  grantEditQuery,
  hubInspect,
  hubJoin,
  inviteCreate,
  operationNames,
  spokeRef,
  WritError,
} from '#protocol';
import type { Command, Grant, GrantEdited, GrantVersion, Hub, Invite, InviteDetails, Spoke } from '#protocol';
import type { z } from 'zod';

const nonce = () => randomBytes(16).toString('base64url');
const now = () => new Date().toISOString();
const words = ['able', 'acid', 'aunt', 'away', 'axis', 'baby'];
const ref = { schema: spokeRef };
const acts = { accept: 'active', refuse: 'closed', suspend: 'suspended', resume: 'active', close: 'closed' } as const;

/** All that this instance has; a test fills and reads it. */
export const tinyPeers = {
  invites: [] as Invite[],
  spokes: [] as Spoke[],
  hubs: [] as Hub[],
  commands: [] as Command[],
  acts: [] as unknown[],
};

export function tinyConnection(name: string, grant?: Grant): Hub {
  const half = { state: 'pending' as const, counter: 1 };
  const link = { kind: 'outbound' as const, url: 'wss://hub.example/writ/v1/link' };
  const base = {
    id: 'B'.repeat(43),
    name,
    connectionId: nonce(),
    words,
    connected: true,
    createdAt: now(),
    heardAt: now(),
  };
  return { ...base, link, state: 'pending', ours: half, theirs: half, ...(grant && { grant: { version: 1, grant } }) };
}

function find<T extends Hub>(peers: T[], name: string): T {
  const found = peers.find((peer) => peer.name === name || peer.id === name);
  if (!found) throw new WritError('not_found', `There is no connection to ${name}.`);
  return found;
}

function change<T extends Hub>(peers: T[], name: string, act: string, body: unknown): T {
  const peer = find(peers, name);
  const state = new Map(Object.entries(acts)).get(act);
  if (!state) throw new WritError('not_found', 'There is no such resource.');
  tinyPeers.acts.push({ name, act, body });
  return Object.assign(peer, { state, ours: { ...peer.ours, state } });
}

@Controller('v1/invites')
@Needs('admin')
class TinyInvites {
  @Post()
  create(@CallerOf() { actor }: Caller, @Body({ schema: inviteCreate }) body: z.output<typeof inviteCreate>) {
    const { operations = operationNames, unattended, expiresInS } = body;
    const expiresAt = new Date(Date.now() + expiresInS * 1_000).toISOString();
    const made = { id: nonce(), state: 'open' as const, operations, unattended, createdAt: now(), expiresAt, actor };
    tinyPeers.invites.push(made);
    return { ...made, invite: 'writ1.eyJuYW1lIjoiaHViLTEifQ.abcd' };
  }

  @Get()
  list() {
    return { invites: tinyPeers.invites };
  }

  @Delete(':id')
  @HttpCode(204)
  revoke(@Param('id') id: string) {
    tinyPeers.invites = tinyPeers.invites.filter((one) => one.id !== id);
  }
}

@Controller('v1/spokes')
@Needs('admin')
class TinySpokes {
  @Get()
  list() {
    return { spokes: tinyPeers.spokes };
  }

  @Get(':ref')
  get(@Param('ref', ref) name: string) {
    return find(tinyPeers.spokes, name);
  }

  @Post(':ref/close')
  @HttpCode(200)
  close(@Param('ref', ref) name: string, @Body({ schema: connectionClose }) body: z.output<typeof connectionClose>) {
    return change(tinyPeers.spokes, name, 'close', body);
  }

  @Post(':ref/:act')
  @HttpCode(200)
  act(@Param('ref', ref) name: string, @Param('act') act: string, @Body({ schema: connectionAct }) body: unknown) {
    return change(tinyPeers.spokes, name, act, body);
  }
}

@Controller('v1/hubs')
@Needs('admin')
class TinyHubs {
  @Post('inspect')
  @HttpCode(200)
  inspect(@Body({ schema: hubInspect }) { invite }: z.output<typeof hubInspect>): InviteDetails {
    const url = 'https://hub.example';
    const { name } = JSON.parse(Buffer.from(invite.split('.')[1] ?? '', 'base64url').toString()) as { name: string };
    return { id: 'B'.repeat(43), name, url, words, operations: operationNames, expiresAt: now() };
  }

  @Post()
  join(@Body({ schema: hubJoin }) { name = 'hub-1', grant }: z.output<typeof hubJoin>) {
    const hub = tinyConnection(name, grant);
    tinyPeers.hubs.push(hub);
    return hub;
  }

  @Get()
  list() {
    return { hubs: tinyPeers.hubs };
  }

  @Get(':ref/grant')
  grant(@Param('ref', ref) name: string): GrantVersion {
    const { grant } = find(tinyPeers.hubs, name);
    if (!grant) throw new WritError('not_found', 'There is no grant.');
    return grant;
  }

  @Put(':ref/grant')
  setGrant(
    @Param('ref', ref) name: string,
    @Query({ schema: grantEditQuery }) { dryRun }: z.output<typeof grantEditQuery>,
    @Body({ schema: grantEdit }) { grant }: z.output<typeof grantEdit>,
    @IfMatch() expected: number | undefined,
  ): GrantEdited {
    const hub = find(tinyPeers.hubs, name);
    const before = this.grant(name);
    if (expected !== undefined && expected !== before.version)
      throw new WritError('conflict', `The grant is at version ${before.version} by now.`);
    const after = { version: before.version + (dryRun ? 0 : 1), grant };
    if (!dryRun) hub.grant = after;
    const running = { agents: 0, words: 'None of its agents runs now.' };
    return { ...after, dryRun, changes: grantChanges(before.grant, grant), running };
  }

  @Post(':ref/close')
  @HttpCode(200)
  close(@Param('ref', ref) name: string, @Body({ schema: connectionClose }) body: z.output<typeof connectionClose>) {
    return change(tinyPeers.hubs, name, 'close', body);
  }

  @Post(':ref/:act')
  @HttpCode(200)
  act(@Param('ref', ref) name: string, @Param('act') act: string, @Body({ schema: connectionAct }) body: unknown) {
    return change(tinyPeers.hubs, name, act, body);
  }
}

@Controller('v1/commands')
class TinyCommands {
  @Get()
  list(@Query({ schema: commandListQuery }) { state }: z.output<typeof commandListQuery>) {
    return { commands: tinyPeers.commands.filter((command) => state === undefined || command.state === state) };
  }

  @Get(':id')
  get(@Param('id') id: string) {
    const found = tinyPeers.commands.find(({ commandId }) => commandId === id);
    if (!found) throw new WritError('not_found', 'There is no command of that id.');
    return found;
  }
}

export function tinyCommand(state: Command['state'], commandId: string = nonce()): Command {
  const actor = { kind: 'key' as const, id: 'aaaaaaaaaa' };
  return { commandId, op: 'agent.spawn', spoke: 'spoke-1', state, actor, createdAt: now(), expiresAt: now() };
}

export const tinyPeerControllers = [TinyCommands, TinyInvites, TinySpokes, TinyHubs];
