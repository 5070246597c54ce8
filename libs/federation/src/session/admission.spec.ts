import { describe, expect, test } from '@jest/globals';
import type { HalfState } from '../connections/connection.js';
import { admit } from './admission.js';

const agentId = '00000000-0000-4000-8000-000000000000';
const spawn = {
  id: '0',
  op: 'agent.spawn',
  gv: 1,
  idk: 's',
  args: {
    taskId: 't',
    agentType: 'worker',
    context: { repository: 'https://example.com/r', branch: 'main', workItems: ['x'] },
  },
};
const status = { id: '0', op: 'agent.status', gv: 1, args: { agentId } };
const list = { id: '0', op: 'agent.list', gv: 1, args: {} };
const kill = { id: '0', op: 'agent.kill', gv: 1, idk: 'k', args: { agentId, reason: 'stop' } };

const half = (state: HalfState['state']): HalfState => ({ state, counter: 1 });
const between = (ours: HalfState['state'], theirs: HalfState['state']) => ({ ours: half(ours), theirs: half(theirs) });
const active = between('active', 'active');

/** Which of spawn, list, status and kill pass. */
function passing(connection = active, standing: Parameters<typeof admit>[2] = 'current'): string[] {
  return [spawn, list, status, kill]
    .filter((entry) => {
      try {
        admit(entry, connection, standing, 500);
        return true;
      } catch {
        return false;
      }
    })
    .map(({ op }) => op);
}

describe('what is admitted', () => {
  test('everything while both halves are active', () => {
    expect(passing()).toEqual(['agent.spawn', 'agent.list', 'agent.status', 'agent.kill']);
  });

  test.each([
    ['active', 'suspended'],
    ['suspended', 'active'],
  ] as const)('[F-3] status and kill while a half is suspended (%s, %s)', (ours, theirs) => {
    expect(passing(between(ours, theirs))).toEqual(['agent.status', 'agent.kill']);
  });

  test.each([
    ['active', 'pending'],
    ['pending', 'suspended'],
    ['closed', 'active'],
    ['active', 'closed'],
  ] as const)('[F-3] nothing while a half is pending or closed (%s, %s)', (ours, theirs) => {
    expect(passing(between(ours, theirs)).filter((op) => op === 'agent.spawn' || op === 'agent.list')).toEqual([]);
  });

  test('status and kill for a peer whose key statement has run out', () => {
    expect(passing(active, 'stale')).toEqual(['agent.status', 'agent.kill']);
  });

  test('no command over 64 KiB, however many are in the message', () => {
    const large = { ...spawn, args: { ...spawn.args, more: 'x'.repeat(65_536) } };
    expect(() => admit(large, active, 'current', 70_000)).toThrow(expect.objectContaining({ code: 'too_large' }));
  });

  test('arguments as the schema of the operation reads them, with its defaults', () => {
    expect(admit(list, active, 'current', 100)).toEqual({ kind: 'query', args: { limit: 100 } });
  });
});
