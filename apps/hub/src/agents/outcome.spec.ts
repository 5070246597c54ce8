import { describe, expect, test } from '@jest/globals';
import { problemOf, WritError } from '#protocol';
import { agentNo } from '../fleet/fleet.fixture.js';
import type { CommandRecord } from '../commands/command.js';
import { killOutcomeOf } from './outcome.js';

const command = (connectionId: string, more: Partial<CommandRecord>): CommandRecord => ({
  commandId: connectionId,
  op: 'agents.kill',
  connectionId,
  spoke: connectionId,
  args: {},
  idk: connectionId,
  actor: { kind: 'key', id: 'admin' },
  state: 'pending',
  createdAtMs: 0,
  deadlineMs: 1,
  ...more,
});
const killed = (n: number) => ({ killed: [agentNo(n)], alreadyEnded: [], failed: [], survivors: 0 });
const refused = { state: 'failed', problem: problemOf(new WritError('grant_denied', 'Not granted.')) } as const;

describe('the outcome of a kill over several spokes', () => {
  test('[K-7] says of each agent what became of it, also when one spoke refuses', () => {
    const north = command('north', { state: 'delivered', body: killed(1) });
    const { report, pending } = killOutcomeOf(
      [north, command('south', refused), command('west', {})],
      (connectionId) => (connectionId === 'south' ? [agentNo(2)] : []),
    );
    expect(report).toEqual({
      killed: [agentNo(1)],
      alreadyEnded: [],
      failed: [{ agentId: agentNo(2), reason: 'Not granted.' }],
      survivors: 1,
    });
    expect(pending.map(({ spoke }) => spoke)).toEqual(['west']);
  });

  test('is the refusal when nobody obeyed', () => {
    expect(() => killOutcomeOf([command('south', refused)], () => [])).toThrow('grant_denied');
  });

  test('names an agent once that two commands reached', () => {
    const twice = ['a', 'b'].map((id) => command(id, { state: 'delivered', body: killed(1) }));
    expect(killOutcomeOf(twice, () => []).report.killed).toEqual([agentNo(1)]);
  });
});
