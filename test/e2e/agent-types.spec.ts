// Worker, reviewer and tester over real processes, from the hub's request to the model's and back: the real SDK talks to an
// understudy, which plays a script and remembers what it was asked.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentType, SpawnRequestBody } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { UnderstudyProcess } from '../support/understudy.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
let keyless: Player;
let understudy: UnderstudyProcess;

const modelKey = 'sk-story-0451';
const skillSheet =
  '---\nname: house-style\ndescription: How this house writes.\n---\nEvery sentence begins with please.\n';
const skillInside = '/opt/writ/skills/house-style/SKILL.md';
const prompts = {
  worker: 'You are the worker of this story.',
  reviewer: 'You are its reviewer.',
  tester: 'You are its tester.',
};

const call = (tool: string, input: object) => ({ tool, input });
const bash = (command: string) => call('bash', { command });
const submit = (input: object) => ({ calls: [call('submit_result', input)] });
const done = (count: number) =>
  Array.from({ length: count }, (_, item) => ({ item, status: 'done', note: `Item ${item}.` }));
const conversation = (task: string, turns: unknown[]) => ({
  name: task,
  match: { firstUser: `Task: ${task}\n` },
  turns,
});
/** The second is said only when what the first asks for is not what came back: then the story has gone another way. */
const when = (condition: object, turn: object) => [
  { when: condition, ...turn },
  submit({ summary: 'Something else came back.', items: done(1) }),
];

const threeAnswers = [
  { item: 0, status: 'done', note: 'Written.' },
  { item: 1, status: 'partly', note: 'Half of it.' },
  { item: 2, status: 'not_done', note: 'There is no network.' },
];
const findings = [
  { file: 'README.md', line: 1, severity: 'error', message: 'A story has a title.' },
  { file: 'README.md', line: 7, severity: 'info', message: 'It ends early.' },
];
const passed = { passed: true, command: 'grep -c story README.md', detail: '1 line.' };
const failed = { passed: false, command: 'grep -c saga README.md', detail: 'No line.' };

const script = {
  conversations: [
    conversation('write', [
      { text: 'I look first.', calls: [call('read', { file_path: 'README.md' })] },
      when(
        { lastToolResult: 'A story\\.' },
        { calls: [call('write', { file_path: 'answer.txt', content: 'Forty-two.\n' })] },
      ),
      submit({ summary: 'One of three.', items: threeAnswers.slice(0, 1) }),
      when(
        { lastToolFailed: true, lastToolResult: 'exactly once: 0, 1, 2' },
        submit({ summary: 'All three.', items: threeAnswers }),
      ),
    ]),
    conversation('review', [
      {
        calls: [
          bash('echo spoiled > README.md'),
          bash('touch new.txt'),
          call('write', { file_path: 'README.md', content: 'x' }),
        ],
      },
      submit({ summary: 'Two findings.', items: done(1), findings }),
    ]),
    conversation('test-passes', [
      { calls: [bash(passed.command)] },
      when(
        { lastToolFailed: false, lastToolResult: '^1' },
        submit({ summary: 'It passes.', items: done(1), verdict: passed }),
      ),
    ]),
    conversation('test-fails', [
      { calls: [bash(failed.command)] },
      when({ lastToolFailed: true }, submit({ summary: 'It fails.', items: done(1), verdict: failed })),
    ]),
    conversation('skilled', [
      { calls: [call('read', { file_path: skillInside })] },
      when({ lastToolResult: 'begins with please' }, { calls: [bash(`echo spoiled > ${skillInside}`)] }),
      when({ lastToolFailed: true }, submit({ summary: 'Please read it; nobody can change it.', items: done(1) })),
    ]),
    conversation('every-field', [submit({ summary: 'Nothing to do.', items: done(2), verdict: passed })]),
  ],
};

beforeAll(async () => {
  stage = await Federation.open();
  const file = join(stage.room('script'), 'script.json');
  writeFileSync(file, JSON.stringify(script));
  understudy = await UnderstudyProcess.start(file);
  stage.afterwards(() => understudy.stop());
  writeFileSync(join(stage.room('house-style'), 'SKILL.md'), skillSheet);
  const profiles = Object.fromEntries(Object.entries(prompts).map(([type, systemPrompt]) => [type, { systemPrompt }]));
  const config = {
    ...{ profiles, skills: { 'house-style': join(stage.folder, 'house-style') } },
    runtimes: { claude: { kind: 'claude', baseUrl: understudy.url } },
  };
  [hub, spoke, keyless] = await Promise.all([
    stage.hub(),
    stage.spoke('acme', config, { ANTHROPIC_API_KEY: modelKey }),
    stage.spoke('keyless', config),
  ]);
  await stage.pair(hub, spoke);
  await stage.pair(hub, keyless);
}, 180_000);
afterAll(() => stage.close(), 60_000);

function asked(
  taskId: string,
  agentType: AgentType,
  change: Partial<SpawnRequestBody['context']> = {},
): SpawnRequestBody {
  const context = { repository: stage.repository, branch: 'main', workItems: ['The only item.'], ...change };
  return { taskId, agentType, context, options: { runtime: 'claude' } };
}

/** Runs to its end; the agent as the hub tells it. */
async function played(body: SpawnRequestBody) {
  const answer = await hub.client.agents.spawn({ ...body, spoke: 'acme' }, { waitS: 60 });
  if (!('agent' in answer)) throw new Error('the spoke did not answer in time');
  const agent = await stage.ended(hub, answer.agent.agentId, 60_000);
  expect({ state: agent.state, reason: agent.reason }).toMatchObject({ state: 'completed' });
  return agent;
}

/** What the model was asked for that task, in order. */
async function requestsFor(task: string) {
  return (await understudy.requests()).filter(({ conversation: name }) => name === task).map(({ body }) => body);
}

interface ToolResult {
  readonly is_error?: boolean;
  readonly content: unknown;
}

/** The tool results that the last request of a task brought to the model. */
async function resultsFor(task: string): Promise<readonly ToolResult[]> {
  const content = (await requestsFor(task)).at(-1)?.messages.at(-1)?.content;
  return Array.isArray(content) ? (content as unknown as ToolResult[]) : [];
}

describe('what an agent of each type does arrives on the hub', () => {
  test('[S-11] a worker’s change is a commit on its branch, and every work item has its answer, also one that was forgotten at first', async () => {
    const { result, agentId, usage } = await played(
      asked('write', 'worker', { workItems: ['Write.', 'Draw.', 'Send.'] }),
    );
    expect(result).toMatchObject({ summary: 'All three.', items: threeAnswers, branch: `writ/${agentId}` });
    expect(result?.commit).toMatch(/^[0-9a-f]{40}$/);
    const { text } = await hub.client.agents.diff(agentId);
    expect(text).toContain('+Forty-two.');
    expect(text).not.toContain('README.md');
    expect(usage).toMatchObject({ turns: 4, inputTokens: 400, outputTokens: 80 });
    expect(await hub.client.agents.readOutput(agentId)).toMatchObject({
      text: expect.stringContaining('I look first.'),
    });
  }, 120_000);

  test('a reviewer cannot write by any means, and its findings come with file and line', async () => {
    const { result, agentId } = await played(asked('review', 'reviewer'));
    expect(result).toMatchObject({ findings, items: done(1) });
    expect([result?.branch, result?.commit]).toEqual([undefined, undefined]);
    expect((await hub.client.agents.diff(agentId)).text).toBe('');
    const [request] = await requestsFor('review');
    const tools = (request as unknown as { tools: { name: string }[] }).tools.map(({ name }) => name);
    expect(tools).toEqual(['bash', 'read', 'glob', 'grep', 'submit_result']);
    const tries = await resultsFor('review');
    expect(tries).toHaveLength(3);
    const refused = stage.sandbox === 'none' ? tries.slice(2) : tries;
    expect(refused.map(({ is_error: isError }) => isError)).toEqual(refused.map(() => true));
  }, 120_000);

  test.each([
    ['test-passes', passed],
    ['test-fails', failed],
  ])(
    'a tester’s verdict is what its command said: %s',
    async (task, verdict) => {
      const { result } = await played(asked(task, 'tester'));
      expect(result).toMatchObject({ verdict, items: done(1) });
      expect(result?.commit).toBeUndefined();
    },
    120_000,
  );
});

describe('what the request says reaches the model', () => {
  test('every field of it: profile, task, items, repository, branch, model, skills, and nothing of the key', async () => {
    const workItems = ['Two\nlines, and “quotes”.', 'Ünïcode ✓'];
    const body = asked('every-field', 'tester', { workItems, skills: ['house-style'] });
    const { agentId } = await played({ ...body, options: { runtime: 'claude', model: 'claude-haiku-5-5' } });
    const [request] = await requestsFor('every-field');
    const system = JSON.stringify(request?.system);
    expect(system).toContain(prompts.tester);
    expect(system).toContain(`house-style: How this house writes. (${skillInside})`);
    const first = JSON.stringify(request?.messages[0]?.content);
    const lines = [`Task: every-field`, 'Agent type: tester', `Repository: ${stage.repository}`, 'Branch: main'];
    for (const line of [...lines, ...workItems.map((item, index) => `Item ${index}: ${item}`)])
      expect(first).toContain(JSON.stringify(line).slice(1, -1));
    expect(request).toMatchObject({ model: 'claude-haiku-5-5', stream: true, metadata: { user_id: agentId } });
    const all = await understudy.requests();
    expect(all.every(({ hasKey }) => hasKey)).toBe(true);
    expect(JSON.stringify(all)).not.toContain(modelKey);
  }, 120_000);

  test('each type is told its own profile, on its own default model', async () => {
    for (const [task, type] of [
      ['write', 'worker'],
      ['review', 'reviewer'],
      ['test-fails', 'tester'],
    ] as const) {
      const [request] = await requestsFor(task);
      expect(JSON.stringify(request?.system)).toContain(prompts[type]);
      expect(request?.model).toBe('claude-opus-5-5');
    }
  });

  test('a skill of the allow-list is there to be read, and not to be changed', async () => {
    const { result } = await played(asked('skilled', 'worker', { skills: ['house-style'] }));
    expect(result?.summary).toBe(
      stage.sandbox === 'none' ? 'Something else came back.' : 'Please read it; nobody can change it.',
    );
    expect(readFileSync(join(stage.folder, 'house-style', 'SKILL.md'), 'utf8')).toBe(skillSheet);
  }, 120_000);
});

describe('what cannot start is refused before anything changes', () => {
  /** Everything that a spawn would leave: agents on either side, worktrees, questions to the model. */
  async function traces(at: Player, taskId: string) {
    const folder = join(at.instance.options.stateDir, 'worktrees');
    const trees = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : [];
    const [onHub, onSpoke] = [await hub.client.agents.list({ taskId }), await at.client.agents.list({ taskId })];
    return {
      trees,
      agents: [...onHub.agents, ...onSpoke.agents].length,
      questions: (await understudy.requests()).length,
    };
  }

  test.each<[string, string, (body: SpawnRequestBody) => SpawnRequestBody, string]>([
    [
      'a skill that is not in the list',
      'acme',
      (b) => ({ ...b, context: { ...b.context, skills: ['magic'] } }),
      'skill_unknown',
    ],
    [
      'a model that has no price',
      'acme',
      (b) => ({ ...b, options: { runtime: 'claude', model: 'gpt-1' } }),
      'invalid_request',
    ],
    ['no model key', 'keyless', (b) => b, 'no_model_key'],
  ])(
    '[S-10] %s',
    async (_, name, change, code) => {
      const at = name === 'acme' ? spoke : keyless;
      const taskId = `refused-${code}`;
      const own = change(asked(taskId, 'worker'));
      const before = await traces(at, taskId);
      const answer = await hub.call('POST', '/v1/agents', { ...own, spoke: name }, { prefer: 'wait=60' });
      expect(answer.json()).toMatchObject({ code });
      expect([answer.status >= 400, answer.headers['content-type']]).toEqual([
        true,
        expect.stringContaining('problem+json'),
      ]);
      if (code !== 'no_model_key') expect(answer.status).toBeLessThan(500);
      expect(await refusal(at.client.agents.spawn(own))).toMatchObject({ code });
      expect(await traces(at, taskId)).toEqual(before);
      expect(before.agents).toBe(0);
    },
    120_000,
  );
});
