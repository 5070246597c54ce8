import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventData } from '#protocol';
import { cleaned, Room } from '../../../../test/support/agents.js';
import type { LocalAgents } from '../local.js';
import { agentsOptions } from '../options.js';
import { Cgroups } from '../sandbox/cgroups.js';
import { Ledger as SandboxLedger } from '../sandbox/ledger.js';
import { NoneSandbox } from '../sandbox/none.js';

describe('limits', () => {
  let room: Room;
  let agents: LocalAgents;

  beforeAll(async () => {
    room = await Room.make();
    agents = await room.open();
  });
  afterAll(() => room.close());

  const ended = async (script: string, limits: object) => {
    const { agentId } = await agents.spawn(room.request(script, { limits }));
    return cleaned(agents, agentId);
  };

  const left = (what: string) => readdirSync(join(room.folder, 'worktrees', what));

  test('[O-3] no turn is begun beyond the limit on turns', async () => {
    const agent = await ended('echo turn; echo turn; echo turn; sleep 60', { turnsMax: 2 });
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'turns', usage: { turns: 2 } });
  });

  test.each([
    ['tokens', { tokensMax: 100 }, '{"inputTokens":60,"outputTokens":30,"cacheReadTokens":11}'],
    ['money', { moneyMicroUsdMax: 500 }, '{"moneyMicroUsd":501}'],
  ])('[O-3] spending beyond the limit on %s stops the run at once', async (exitReason, limits, spent) => {
    const agent = await ended(`echo 'usage ${spent}'; sleep 60`, limits);
    expect(agent).toMatchObject({ state: 'failed', exitReason, usage: JSON.parse(spent) as object });
  });

  test('[O-3] spending is persisted and told with every turn', async () => {
    const agent = await ended(`echo turn; echo 'usage {"inputTokens":5}'; echo turn`, {});
    const told = (await room.events()).filter(
      ({ subject, type }) => subject === agent.agentId && type === 'agent.usage',
    );
    const usages = told.map(({ data }) => (data as EventData<'agent.usage'>).usage);
    expect(usages.map(({ turns, inputTokens }) => [turns, inputTokens])).toEqual([
      [1, 0],
      [1, 5],
      [2, 5],
    ]);
    expect(agent.usage).toEqual(usages.at(-1));
  });

  test('an agent that runs too long is stopped, and what it changed is committed', async () => {
    const agent = await ended('echo half > half.txt; sleep 60', { wallMs: 1_000 });
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'wall_time', result: { changes: { files: 1 } } });
    expect(agent.reason).toContain('1000 ms');
  });

  test('[W-2] [O-4] an agent that fills the disk is ended at its limit, the state says why, and another goes on', async () => {
    const beside = await agents.spawn(
      room.request('until [ -e done ]; do sleep 0.05; [ $((i = i + 1)) -lt 60 ] || : > done; done; echo through'),
    );
    const filler = 'i=0; while :; do head -c 1048576 /dev/zero > f$((i = i + 1)); sleep 0.02; done';
    const agent = await ended(filler, { diskBytesMax: 10 * 2 ** 20 });
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'disk', cleanup: { worktree: { outcome: 'done' } } });
    expect(agent.reason).toContain(String(10 * 2 ** 20));
    expect(agent.sandbox?.enforced).toContain('disk(watched)');
    expect(await cleaned(agents, beside.agentId)).toMatchObject({ state: 'completed' });
  });

  test('a default that this machine cannot enforce is left out, and the record says so; a limit that was asked for is refused', async () => {
    const other = await Room.make();
    try {
      const ledger = new SandboxLedger(join(other.folder, 'bare'));
      const bare = new NoneSandbox(true, ledger, new Cgroups({ version: 1, bases: {} }, 'spoke'));
      const there = await other.open({ sandboxes: () => [bare] });
      const { agentId } = await there.spawn(other.request('echo through'));
      const agent = await cleaned(there, agentId);
      expect(agent).toMatchObject({ state: 'completed', sandbox: { level: 'none' } });
      const kernel = ['memoryBytesMax', 'pidsMax', 'cpuPercentMax'];
      expect(agentsOptions.parse({ stateDir: '/' }).limits.memoryBytesMax).toBeGreaterThan(0);
      expect(
        [...Object.keys(agent.limits), ...agent.sandbox!.enforced].filter((name) => kernel.includes(name)),
      ).toEqual([]);
      const asking = there.spawn(other.request('echo never', { limits: { memoryBytesMax: 2 ** 30 } }));
      const field = 'options.limits.memoryBytesMax';
      await expect(asking).rejects.toMatchObject({ code: 'limit_unenforceable', field });
      expect((await there.list({})).agents).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  test('[W-2] a tree deeper than a path can be is removed as any other', async () => {
    const deep = `${'d'.repeat(200)}/`.repeat(8);
    const agent = await ended(`for i in 1 2 3 4; do mkdir -p ${deep} && cd ${deep}; done 2>/dev/null; exit 0`, {});
    expect(agent.cleanup).toMatchObject({ worktree: { outcome: 'done' } });
    expect(left('agents')).toEqual([]);
    expect(left('trash')).toEqual([]);
  });

  test('a reviewer finds its worktree read-only, and nothing is committed for it', async () => {
    const request = room.request('echo x > x.txt || echo refused');
    const { agentId } = await agents.spawn({ ...request, args: { ...request.args, agentType: 'reviewer' } });
    const agent = await cleaned(agents, agentId);
    if (agent.sandbox?.level !== 'none') expect((await agents.output(agentId, 0, 100)).text).toBe('refused\n');
    expect(agent.result?.commit).toBeUndefined();
  });
});
