// A frame of `writ top`: it fits, and nothing that others wrote steers the terminal.
import { expect, test } from '@jest/globals';
import { noUsage, type AgentResource, type Spoke } from '#protocol';
import { frame } from './frame.js';
import type { Snapshot } from './snapshot.js';

const at = '2026-01-01T00:10:00.000Z';
const counts = { spawning: 1, running: 2, completed: 3, failed: 4, killed: 5 };
const peer = { name: 'acme', state: 'active', connected: true, heardAt: '2026-01-01T00:09:58.000Z', liveAgents: 2 };
const agent = (change: object) =>
  ({
    ...{ agentId: '3f2a9c10-0000-8000-8000-00000000000a', agentType: 'worker', state: 'running', taskId: 'task' },
    ...{ spoke: { id: 'x', name: 'acme' }, spawnedAt: '2026-01-01T00:07:00.000Z', limits: { turnsMax: 40 } },
    usage: { ...noUsage, turns: 7, moneyMicroUsd: 123_400 },
    ...change,
  }) as AgentResource;
const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  ...{ at, name: 'centre', role: 'hub', counts, latched: [], peers: [peer as unknown as Spoke], agents: [agent({})] },
  ...change,
});

test('names the instance, what lives, each peer with its link, each agent with turns and money', () => {
  expect(frame(snapshot(), { columns: 100, rows: 30 })).toEqual([
    'hub centre · 00:10:00 UTC',
    '3 live (1 spawning, 2 running) · 3 completed · 4 failed · 5 killed',
    '',
    'SPOKE             STATE      LINK    HEARD    LIVE',
    'acme              active     up      2s ago   2',
    '',
    'AGENT    ON            TYPE     STATE    AGE    TURNS    USD      TASK',
    '3f2a9c10 acme          worker   running  3m     7/40     0.1234   task',
    'q quits',
  ]);
});

test('a killswitch that is set and a peer that is silent stand out', () => {
  const silent = { ...peer, connected: true, circuit: 'open' } as unknown as Spoke;
  const lines = frame(snapshot({ latched: ['all'], peers: [silent] }), { columns: 100, rows: 30 });
  expect(lines).toContain('KILLSWITCH SET: all');
  expect(lines.join('\n')).toMatch(/acme +active +silent/);
});

test('fits the terminal, says what it leaves out, and strips what would steer it', () => {
  const hostile = agent({ taskId: '\u001b[2J\u001b]0;owned\u0007evil\nline' });
  const agents = Array.from({ length: 50 }, () => hostile);
  const lines = frame(snapshot({ agents }), { columns: 60, rows: 20 });
  expect(lines).toHaveLength(20);
  expect(lines.at(-1)).toBe('… 38 more lines · q quits');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  // eslint-disable-next-line no-control-regex -- none of them may be there
  expect(lines.join('\n')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});
