import { expect, test } from '@jest/globals';
import { agentResource, noUsage, reportOf, reportText, type AgentResource } from './index.js';

const agentId = '00000000-0000-8000-8000-00000000000a';
const context = { repository: 'https://example.com/team/app.git', branch: 'main', workItems: ['Mend it', 'Test it'] };
const agent = agentResource.parse({
  ...{
    agentId,
    taskId: 'task',
    agentType: 'tester',
    state: 'completed',
    owner: 'local',
    context,
    options: {},
    limits: {},
  },
  ...{
    spawnedAt: '2030-03-17T17:46:40.000Z',
    endedAt: '2030-03-17T17:50:00.000Z',
    exitReason: 'finished',
    usage: noUsage,
  },
  outputBytes: 0,
  result: {
    summary: 'One <b>fault</b>\n# is left',
    items: [
      { item: 1, status: 'not_done', note: 'no [time](http://evil.example)' },
      { item: 0, status: 'done', note: '' },
    ],
    findings: [{ file: 'a_b.js', line: 7, severity: 'error', message: 'wrong\u001b[2J' }],
    verdict: { passed: false, command: 'npm test', detail: 'one\n```\n# two' },
    gates: [{ command: 'lint', passed: false, exitCode: 1, reason: 'It ended with 1.', output: '````\nbad' }],
  },
});

test('a report is what the signed end says, with the text of each work item', () => {
  expect(reportOf(agent)).toMatchObject({
    ...{ agentId, agentType: 'tester', state: 'completed', exitReason: 'finished', verdict: { passed: false } },
    items: [
      { text: 'Test it', status: 'not_done' },
      { text: 'Mend it', status: 'done' },
    ],
  });
});

test('of a session it is that of its last turn, and before anything was said there is none', () => {
  const { result, ...rest } = agent;
  const times = { startedAt: agent.spawnedAt, endedAt: agent.spawnedAt };
  const last = { turnId: agentId, turn: 3, state: 'completed', exitReason: 'finished', ...times, result } as const;
  const session: AgentResource = { ...rest, state: 'running', activity: 'idle', turns: { taken: 3, last } };
  expect(reportOf(session)).toMatchObject({ turn: 3, state: 'running', findings: [{ line: 7 }] });
  expect(reportOf({ ...rest, state: 'running' })).toBeUndefined();
});

test('what an agent wrote makes no heading, no link, no HTML and no end of a fence in it', () => {
  const text = reportText(reportOf(agent)!);
  const lines = text.split('\n');
  expect(lines[0]).toBe(`# tester ${agentId}: completed (finished)`);
  expect(lines.filter((line) => /^#/.test(line))).toEqual([
    lines[0],
    '## Verdict: failed',
    '# two',
    '## Work items',
    '## Findings',
    '## Gates',
  ]);
  expect(text).toContain('````\none\n```\n# two\n````');
  expect(text).toContain('`````\n````\nbad\n`````');
  expect(text).not.toMatch(/(?<!\\)<b>|(?<!\\)\]\(/);
  expect(text).not.toContain('\u001b');
});
