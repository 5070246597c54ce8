import { Controller, Injectable, Logger, Module } from '@nestjs/common';
import type { CanActivate, ExecutionContext, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { firstValueFrom, NEVER, of } from 'rxjs';
import { WritError } from '#protocol';
import { Federation, until } from '../session/federation.fixture.js';
import { info, killed } from '../session/session.contract.js';
import { WritClient, WritRecord } from './client.js';
import { WritContext } from './context.js';
import { serveCommands } from './serve.js';

Logger.overrideLogger(false);

const agentId = '00000000-0000-4000-8000-000000000000';

@Controller()
class Agents {
  static seen: WritContext[] = [];

  @MessagePattern('instance.info')
  info() {
    return of(info);
  }

  @MessagePattern('agent.kill')
  kill(@Payload() args: { agentId: string; reason: string }, @Ctx() context: WritContext) {
    Agents.seen.push(context);
    if (args.reason === 'refuse') throw new WritError('not_found', 'There is no such agent.', { field: 'agentId' });
    if (args.reason === 'break') throw new Error('password: hunter2');
    return Promise.resolve({ ...killed, killed: [args.agentId] });
  }

  @MessagePattern('agent.output')
  output(@Ctx() context: WritContext) {
    Agents.seen.push(context);
    return NEVER;
  }

  @MessagePattern(['agent.status', 'agent.artifact'])
  never(@Ctx() context: WritContext) {
    Agents.seen.push(context);
    return {};
  }

  @MessagePattern('agent.list')
  list() {
    return 'no object';
  }
}

@Module({ controllers: [Agents] })
class Spoke {}

@Injectable()
class GrantGuard implements CanActivate {
  asked = 0;

  canActivate(context: ExecutionContext): boolean {
    this.asked += 1;
    const writ = context.switchToRpc().getContext<WritContext>();
    writ.decidedBy(12);
    if (writ.op === 'agent.artifact') throw new WritError('grant_denied', 'The grant does not allow it.');
    return writ.op !== 'agent.status';
  }
}

describe('the federation as a Nest transport', () => {
  let both: Federation;
  let app: INestApplication;
  let guard: GrantGuard;
  beforeEach(async () => {
    Agents.seen = [];
    guard = new GrantGuard();
    both = await Federation.connected();
    app = await NestFactory.create(Spoke, new FastifyAdapter());
    serveCommands(app, both.spoke.peers.opened, [guard]);
    await app.startAllMicroservices();
  });
  afterEach(async () => {
    await app.close();
    await both.end();
  });

  const kill = (reason: string, idk = 'k') => both.atHub.request('agent.kill', { agentId, reason }, { idk });

  test('a command reaches the controller of its pattern, with its context, and its answer goes back', async () => {
    expect(await kill('stop')).toEqual({ st: 'ok', gv: 12, body: { ...killed, killed: [agentId] } });
    const [context] = Agents.seen;
    expect([context?.op, context?.idk, context?.connectionId, context?.peerId]).toEqual([
      'agent.kill',
      'k',
      both.con,
      both.hub.identity.id,
    ]);
  });

  test('an observable answers with its last value', async () => {
    expect(await both.atHub.request('instance.info', {})).toMatchObject({ st: 'ok', body: info });
  });

  test('a WritError becomes its problem, and anything else `internal` without a word of it', async () => {
    expect(await kill('refuse', 'a')).toMatchObject({ st: 'denied', code: 'not_found', body: { field: 'agentId' } });
    const broken = await kill('break', 'b');
    expect(broken).toMatchObject({ st: 'error', code: 'internal' });
    expect(JSON.stringify(broken)).not.toContain('hunter2');
  });

  test('an answer that is no object is a fault of ours', async () => {
    expect(await both.atHub.request('agent.list', {})).toMatchObject({ st: 'error', code: 'internal' });
  });

  test('[F-5] the guard decides after the schema and before the handler, and the result names its grant', async () => {
    await both.atHub.request('agent.kill', { agentId: 'x', reason: '' }, { idk: 'bad' });
    expect(guard.asked).toBe(0);
    const denied = { st: 'denied', code: 'grant_denied', gv: 12 };
    expect(await both.atHub.request('agent.artifact', { agentId, kind: 'diff' })).toMatchObject(denied);
    expect(await both.atHub.request('agent.status', { agentId })).toMatchObject(denied);
    expect([guard.asked, Agents.seen.length]).toEqual([2, 0]);
  });

  test('an operation without a handler is unknown here', async () => {
    const answer = await both.atHub.request('agents.kill', { reason: 'stop' }, { idk: 'k' });
    expect(answer).toMatchObject({ st: 'denied', code: 'operation_unknown' });
  });

  test('the client of a peer yields bodies and errors with what the peer denied', async () => {
    const client = new WritClient(both.atHub);
    expect(await firstValueFrom(client.send('instance.info', {}))).toEqual(info);
    const record = new WritRecord({ agentId, reason: 'refuse' }, { idk: 'c' });
    await expect(firstValueFrom(client.send('agent.kill', record))).rejects.toMatchObject({ code: 'not_found' });
    await expect(firstValueFrom(client.emit('agent.kill', record))).rejects.toMatchObject({
      code: 'operation_unknown',
    });
  });

  test('a client that unsubscribes waits no longer; a handler learns when its session has ended', async () => {
    const client = new WritClient(both.atHub);
    const subscription = client.send('agent.output', { agentId, offset: 0 }).subscribe();
    await until('the handler to be called', () => Agents.seen.length === 1);
    subscription.unsubscribe();
    expect(both.atHub.waiting).toBe(0);
    expect(Agents.seen[0]?.signal.aborted).toBe(false);
    both.cut();
    await until('the signal to abort', () => Agents.seen[0]?.signal.aborted === true);
  });

  test('an application that closes takes no more commands, and leaves them to be asked again', async () => {
    await app.close();
    const asked = both.atHub.request('instance.info', {}, { signal: AbortSignal.timeout(100) });
    await expect(asked).rejects.toMatchObject({ code: 'timed_out' });
  });
});
