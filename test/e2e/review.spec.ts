// What the work of an agent has to pass before it counts and before it leaves, over real processes: a model that is told what
// does not pass, and a remote that gets nothing it should not have.
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requirement } from '../support/require.js';
import { Federation, refusal, type Player } from '../support/federation.js';
import { GitHttps, gitHttpsRequirement } from '../support/git-https.js';
import { UnderstudyProcess } from '../support/understudy.js';
import { secretToken } from '../support/wares.js';

const stage = await Federation.open();
const sealed = requirement('a sandbox', stage.sandbox !== 'none', 'apt-get install bubblewrap');
const story = stage.sandbox === 'none' ? sealed : requirement(...gitHttpsRequirement);
let hub: Player;
let spoke: Player;
let understudy: UnderstudyProcess;
let repository: string;

const write = (content: string) => ({ calls: [{ tool: 'write', input: { file_path: 'answer.txt', content } }] });
const submit = (summary: string, count = 1) => {
  const items = Array.from({ length: count }, (_, item) => ({ item, status: 'done', note: `Item ${item}.` }));
  return { calls: [{ tool: 'submit_result', input: { summary, items } }] };
};
const conversation = (task: string, turns: object[], more: object = {}) => ({
  ...{ name: task, match: { firstUser: `Task: ${task}\n` }, turns, ...more },
});
const script = {
  conversations: [
    conversation('mends', [
      ...[write('forty-one\n'), submit('Done.', 2), write('forty-two\n'), submit('It was one too few.')],
    ]),
    conversation('never-mends', [write('forty-one\n'), submit('Done.')], { repeatLast: true }),
    conversation('leaks', [write(`forty-two, and ${secretToken}\n`), submit(`I wrote ${secretToken}.`)]),
  ],
};
const gate = ['sh', '-c', 'grep -q forty-two answer.txt || { echo "answer.txt is wrong"; exit 3; }'];

beforeAll(async () => {
  if (!gitHttpsRequirement[1]) return;
  const [root, keys] = [stage.room('served'), stage.room('keys')];
  execFileSync('git', ['clone', '--quiet', '--bare', stage.repository, join(root, 'story.git')], { stdio: 'ignore' });
  const server = await GitHttps.start({ root, keys, username: 'robot', password: 'writ-test-77aa01' });
  stage.afterwards(() => server.close());
  repository = `${server.url}/story.git`;
  const file = join(stage.room('script'), 'script.json');
  writeFileSync(file, JSON.stringify(script));
  understudy = await UnderstudyProcess.start(file);
  stage.afterwards(() => understudy.stop());
  const https = { tokenEnv: 'STORY_TOKEN', username: 'robot', caFile: server.caFile };
  const config = {
    remotes: [{ repositories: [`${server.url}/**`], https }],
    runtimes: { claude: { kind: 'claude', baseUrl: understudy.url } },
    review: { gates: [{ repositories: [`${server.url}/**`], commands: [gate] }], handBacksMax: 2 },
  };
  hub = await stage.hub();
  spoke = await stage.spoke('acme', config, { STORY_TOKEN: 'writ-test-77aa01', ANTHROPIC_API_KEY: 'sk-nobody' });
  await stage.pair(hub, spoke, stage.grant({ repositories: [`${server.url}/**`], push: ['writ/*'] }));
}, 120_000);
afterAll(() => stage.close(), 60_000);

const branches = () =>
  execFileSync('git', ['-c', 'safe.directory=*', 'for-each-ref', '--format=%(refname:short)'], {
    ...{ cwd: join(stage.folder, 'served', 'story.git'), encoding: 'utf8' },
  })
    .trim()
    .split('\n');

async function played(taskId: string, workItems = ['Answer.']) {
  const context = { repository, branch: 'main', workItems };
  const agent = await stage.spawn(hub, 'acme', '', { taskId, context, options: { runtime: 'claude', push: {} } });
  return stage.ended(hub, agent.agentId, 40_000);
}

/** What the model was told last. */
async function toldLast(task: string): Promise<string> {
  const asked = (await understudy.requests()).filter(({ conversation: name }) => name === task);
  return JSON.stringify(asked.map(({ body }) => body.messages.at(-1)));
}

describe('the work of an agent', () => {
  story('that does not pass is handed back to the model, and once mended it is completed and pushed', async () => {
    const agent = await played('mends', ['Answer.', 'And say so.']);
    expect(agent).toMatchObject({ state: 'completed', result: { gates: [{ passed: true, exitCode: 0 }] } });
    expect(agent.result?.summary).toBe('Done.\n\nIt was one too few.');
    expect(agent.result?.items).toHaveLength(2);
    expect(await toldLast('mends')).toContain('answer.txt is wrong');
    expect(branches()).toContain(`writ/${agent.agentId}`);
    expect((await hub.client.agents.diff(agent.agentId)).text).toContain('+forty-two');
  });

  story('that is never mended fails after so many turns, with the report; nothing is pushed', async () => {
    const agent = await played('never-mends');
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'gate_failed' });
    expect(agent.result?.gates).toMatchObject([{ passed: false, exitCode: 3, output: 'answer.txt is wrong' }]);
    const handed = (await toldLast('never-mends')).split('a command that has to pass did not').length - 1;
    expect(handed).toBe(2);
    expect(branches()).not.toContain(`writ/${agent.agentId}`);
  });

  story(
    '[O-9] [F-7] with a secret in it reaches neither the remote nor the hub; only where it stands is told',
    async () => {
      const agent = await played('leaks');
      expect(agent).toMatchObject({ state: 'failed', exitReason: 'secret_found' });
      expect(agent.result?.secrets).toEqual([{ rule: 'github', file: 'answer.txt', line: 1 }]);
      expect(agent.result?.summary).toBe('I wrote [secret].');
      expect(branches()).not.toContain(`writ/${agent.agentId}`);
      for (const { client } of [hub, spoke])
        expect(await refusal(client.agents.diff(agent.agentId))).toMatchObject({ code: 'withheld' });
      const logs = [...hub.instance.log, ...spoke.instance.log].join('');
      expect(logs + JSON.stringify(agent)).not.toContain(secretToken);
    },
  );

  story('[F-5] is judged by gates of the hub only where the grant says so', async () => {
    const context = { repository, branch: 'main', workItems: ['Answer.'] };
    const options = { runtime: 'claude', gates: [['true'] as [string, ...string[]]] };
    const spawn = stage.spawn(hub, 'acme', '', { taskId: 'mends', context, options });
    expect(await refusal(spawn)).toMatchObject({ code: 'grant_denied', field: 'gates' });
  });
});
