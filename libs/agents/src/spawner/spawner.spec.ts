import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WritError, type AgentEvent } from '#protocol';
import { agentEvents } from '#agents';
import { admin, cleaned, inState, peer, Room } from '../../../../test/support/agents.js';
import { ShellResolver } from '../../../../test/support/shell-runtime.js';
import type { LocalAgents } from '../local.js';

const id = (n: number) => `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`;

function code(error: unknown): string {
  return error instanceof WritError ? error.code : String(error);
}

const refusal = (promise: Promise<unknown>) => promise.then(() => 'accepted', code);

describe('spawner', () => {
  let room: Room;
  let agents: LocalAgents;

  beforeAll(async () => {
    room = await Room.make();
    agents = await room.open({ options: { agentsMax: 5 } });
  });
  afterEach(async () => {
    await agents.killAll('all', admin, 'test over');
    await agents.reset('all', admin, 'test over');
  });
  afterAll(() => room.close());

  test('[S-11] an accepted spawn answers at once as `spawning`, then works, commits and completes', async () => {
    const spawned = await agents.spawn(room.request('echo working; echo done > made.txt', { idk: 'key-1' }));
    expect(spawned).toMatchObject({ state: 'spawning', phase: 'queued', owner: 'local', taskId: 'task-1' });
    const agent = await cleaned(agents, spawned.agentId);
    expect(agent).toMatchObject({
      state: 'completed',
      exitReason: 'finished',
      result: { branch: `writ/${spawned.agentId}`, changes: { files: 1, insertions: 1, deletions: 0 } },
      outputBytes: 8,
      cleanup: { sandbox: { outcome: 'done' }, worktree: { outcome: 'done' }, lease: { outcome: 'done' } },
    });
    expect((await agents.diff(spawned.agentId)).text).toContain('+done');
    const types = (await room.events()).filter(({ subject }) => subject === spawned.agentId).map(({ type }) => type);
    expect(types).toEqual(['agent.spawned', 'agent.running', 'agent.output', 'agent.completed', 'agent.cleanup']);
  });

  test('[S-1] ended agents do not count: a place is free as soon as its agent has ended', async () => {
    for (let round = 0; round < 7; round++) {
      const { agentId } = await agents.spawn(room.request('true'));
      await inState(agents, agentId, 'completed');
    }
    expect(await agents.live()).toBe(0);
    expect(await agents.free('local')).toBe(5);
  });

  test('[S-1] of fifty spawns at once exactly as many are accepted as there are places', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => refusal(agents.spawn(room.request('sleep 60')))),
    );
    expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(5);
    expect(answers.filter((answer) => answer === 'capacity')).toHaveLength(45);
    expect(await agents.live()).toBe(5);
  });

  test('[S-1] the ceiling of a door counts its own agents only', async () => {
    const ceiling = { limits: {}, sandbox: 'none' as const, concurrentMax: 2 };
    const theirs = () => agents.spawn(room.request('sleep 60', { owner: 'con-1', actor: peer, ceiling }));
    await agents.spawn(room.request('sleep 60'));
    await theirs();
    await theirs();
    expect(await refusal(theirs())).toBe('capacity');
    expect(await agents.live('con-1')).toBe(2);
    expect(await refusal(agents.spawn(room.request('sleep 60')))).toBe('accepted');
  });

  test('[S-2] a bad request is named as such also when no place is free', async () => {
    await Promise.all(Array.from({ length: 5 }, () => agents.spawn(room.request('sleep 60'))));
    const bad = room.request('true');
    const wrong = { ...bad, args: { ...bad.args, context: { ...bad.args.context, branch: '--upload-pack=x' } } };
    await expect(agents.spawn(wrong)).rejects.toMatchObject({ code: 'invalid_request', field: 'args.context.branch' });
  });

  test.each([
    ['agentId', { agentId: '../../etc' }],
    ['owner', { owner: '' }],
    ['idk', { idk: 'has space' }],
    ['', { surprise: 1 }],
  ])('[S-3] a request with a bad %j is refused with its name', async (field, change) => {
    const before = (await room.events()).length;
    await expect(agents.spawn({ ...room.request('true'), ...change })).rejects.toMatchObject({
      code: 'invalid_request',
      field,
    });
    expect(await room.events()).toHaveLength(before);
  });

  test('[S-2] a session is refused by name rather than ignored', async () => {
    const request = room.request('true');
    const options = { ...request.args.options, session: 'mine' };
    const spawn = agents.spawn({ ...request, args: { ...request.args, options } });
    await expect(spawn).rejects.toMatchObject({ code: 'invalid_request', field: 'args.options.session' });
  });

  test('[S-8] the same spawn sent often and at once makes one agent; other arguments are a conflict', async () => {
    const same = room.request('sleep 60', { agentId: id(1), idk: 'one' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => agents.spawn(same)));
    expect(new Set(answers.map(({ agentId }) => agentId))).toEqual(new Set([id(1)]));
    expect(await agents.live()).toBe(1);
    expect(await refusal(agents.spawn(room.request('sleep 61', { agentId: id(1), idk: 'one' })))).toBe('idk_conflict');
    expect(await refusal(agents.spawn({ ...same, owner: 'con-1' }))).toBe('idk_conflict');
  });

  test('[S-8] a repeated spawn joins its agent also when no place is free', async () => {
    const all = Array.from({ length: 5 }, (_, n) => room.request('sleep 60', { agentId: id(10 + n) }));
    await Promise.all(all.map((request) => agents.spawn(request)));
    expect((await agents.spawn(all[0]!)).agentId).toBe(id(10));
  });

  test('[S-8] without an agent id the idempotency key names the agent', async () => {
    const first = await agents.spawn(room.request('sleep 60', { idk: 'named' }));
    const second = await agents.spawn(room.request('sleep 60', { idk: 'named' }));
    expect(second.agentId).toBe(first.agentId);
    expect(first.agentId[14]).toBe('8');
  });

  test('[S-10] a missing model key is told at the spawn, and only to those who need it', async () => {
    class Keyless extends ShellResolver {
      override async resolve(...args: Parameters<ShellResolver['resolve']>) {
        if (args[0].options.runtime === 'claude') throw new WritError('no_model_key', 'No key is set.');
        return super.resolve(...args);
      }
    }
    const other = await Room.make();
    try {
      const keyless = await other.open({ resolver: new Keyless() });
      const request = other.request('true');
      const claude = { ...request, args: { ...request.args, options: { runtime: 'claude' } } };
      expect(await refusal(keyless.spawn(claude))).toBe('no_model_key');
      expect(await keyless.live()).toBe(0);
      expect(await refusal(keyless.spawn(request))).toBe('accepted');
    } finally {
      await other.close();
    }
  });

  test('[F-7] limits are frozen at the least of request, ceiling and default', async () => {
    const ceiling = { limits: { turnsMax: 7, wallMs: 5_000 }, sandbox: 'none' as const, concurrentMax: 5 };
    const limits = { turnsMax: 100, tokensMax: 50, wallMs: 60_000 };
    const agent = await agents.spawn(room.request('sleep 60', { owner: 'con-1', actor: peer, ceiling, limits }));
    expect(agent.limits).toMatchObject({ turnsMax: 7, tokensMax: 50, wallMs: 5_000, moneyMicroUsdMax: 20_000_000 });
  });

  test('[F-7] a sandbox that is not there is refused, and a weaker one is never taken instead', async () => {
    const request = room.request('true');
    const docker = { ...request, args: { ...request.args, options: { sandbox: 'docker' as const } } };
    expect(await refusal(agents.spawn(docker))).toBe('sandbox_unavailable');
  });

  test('what a backlog holds runs through a narrow gate, and all of it gets done', async () => {
    const other = await Room.make();
    try {
      const narrow = await other.open({ options: { agentsMax: 30, startsMax: 2 } });
      const spawned = await Promise.all(Array.from({ length: 12 }, () => narrow.spawn(other.request('true'))));
      for (const { agentId } of spawned) expect((await cleaned(narrow, agentId)).state).toBe('completed');
      expect(await narrow.live()).toBe(0);
    } finally {
      await other.close();
    }
  });

  test('[L-10] every event has an id of its own, a source, a time and an order', async () => {
    const { agentId } = await agents.spawn(room.request('echo hi'));
    await cleaned(agents, agentId);
    const events: AgentEvent[] = await room.events();
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    expect(events.every(({ source }) => source === 'spoke')).toBe(true);
    const told = events.filter(({ subject }) => subject === agentId);
    const times = told.map(({ time }) => Date.parse(time));
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    const own = told.map(({ type }) => type);
    const states = own.filter((type) => !['agent.output', 'agent.usage'].includes(type));
    expect(states).toEqual(['agent.spawned', 'agent.running', 'agent.completed', 'agent.cleanup']);
    expect(own.indexOf('agent.output')).toBeLessThan(own.indexOf('agent.completed'));
    const rows = await room.store.read(agentEvents('local'), { after: 0 });
    const again = await room.store.read(agentEvents('local'), { after: rows[1]!.cursor });
    expect(again.slice(0, rows.length - 2)).toEqual(rows.slice(2));
  });

  test('a repository that cannot be fetched fails the agent with that reason, and its clean-up still runs', async () => {
    const request = room.request('true');
    const context = { ...request.args.context, branch: 'no-such-branch' };
    const { agentId } = await agents.spawn({ ...request, args: { ...request.args, context } });
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'repository_error', actor: { kind: 'system' } });
    expect(agent.cleanup).toMatchObject({ sandbox: { outcome: 'skipped' }, lease: { outcome: 'done' } });
  });

  test('a program that ends badly is `failed` with its exit code, and what it changed is still committed', async () => {
    const { agentId } = await agents.spawn(room.request('echo half > half.txt; exit 3'));
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({
      state: 'failed',
      exitReason: 'exit_code',
      result: { exitCode: 3, changes: { files: 1 } },
    });
  });
});
