import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { agentResource } from '#protocol';
import { admin, cleaned, inState, peer, Room } from '../../../../test/support/agents.js';
import type { LocalAgents } from '../local.js';

describe('lists of agents', () => {
  let room: Room;
  let agents: LocalAgents;
  const ids: string[] = [];

  beforeAll(async () => {
    room = await Room.make();
    agents = await room.open();
    for (const [script, owner] of [
      ['true', 'local'],
      ['exit 1', 'con-1'],
      ['true', 'con-1'],
      ['sleep 60', 'local'],
      ['sleep 60', 'con-1'],
    ] as const) {
      const { agentId } = await agents.spawn(room.request(script, { owner, actor: owner === 'local' ? admin : peer }));
      ids.push(agentId);
      await (script === 'sleep 60' ? inState(agents, agentId, 'running') : cleaned(agents, agentId));
    }
  });
  afterAll(() => room.close());

  const listed = async (filter: Parameters<LocalAgents['list']>[0]) =>
    (await agents.list(filter)).agents.map(({ agentId }) => ids.indexOf(agentId));

  test('are newest first and have the shape of the protocol', async () => {
    const { agents: all } = await agents.list({});
    expect(all.map(({ agentId }) => ids.indexOf(agentId))).toEqual([4, 3, 2, 1, 0]);
    for (const agent of all) agentResource.parse(agent);
  });

  test('[F-12] of an owner hold nobody else’s', async () => {
    expect(await listed({ owner: 'con-1' })).toEqual([4, 2, 1]);
    expect(await listed({ owner: 'con-2' })).toEqual([]);
    await expect(agents.list({ owner: 'con-1', after: ids[0]! })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('can be narrowed to states and tasks', async () => {
    expect(await listed({ states: ['running'] })).toEqual([4, 3]);
    expect(await listed({ states: ['failed', 'running'] })).toEqual([4, 3, 1]);
    expect(await listed({ taskId: 'task-1', states: ['completed'] })).toEqual([2, 0]);
    expect(await listed({ taskId: 'other' })).toEqual([]);
  });

  test.each([{ states: undefined }, { states: ['running' as const] }])('page by keyset (%j)', async ({ states }) => {
    const seen: number[] = [];
    for (let after: string | undefined; ;) {
      const page = await agents.list({ limit: 1, after, states });
      seen.push(...page.agents.map(({ agentId }) => ids.indexOf(agentId)));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen).toEqual(states ? [4, 3] : [4, 3, 2, 1, 0]);
  });
});
