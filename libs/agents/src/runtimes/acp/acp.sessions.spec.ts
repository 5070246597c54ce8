// Agents of the runtime `acp` as a spoke has them: real store, worktrees, sandboxes, questions and pool around a real agent.
import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AgentResource, SpawnArgs } from '#protocol';
import { parseScript } from '../../../../../apps/understudy/src/script.js';
import { Understudy } from '../../../../../apps/understudy/src/server.js';
import { acpAgent, acpAgentMounts, doing } from '../../../../../test/support/acp-agent.js';
import { admin, cleaned, eventually, Room } from '../../../../../test/support/agents.js';
import type { LocalAgents } from '../../local.js';
import type { AgentsOptionsInput } from '../../options.js';
import { ConfiguredResolver } from '../../profiles/configured.resolver.js';
import { profileOptions, runtimeOptions } from '../../profiles/options.js';
import type { Resolved } from '../../profiles/resolver.js';

class WithAgent extends ConfiguredResolver {
  override async resolve(...args: Parameters<ConfiguredResolver['resolve']>): Promise<Resolved> {
    const resolved = await super.resolve(...args);
    return { ...resolved, mounts: [...resolved.mounts, ...acpAgentMounts] };
  }
}

interface Opening {
  readonly traits?: readonly string[];
  readonly runtime?: object;
  readonly options?: Partial<AgentsOptionsInput>;
}

describe('an agent of the runtime acp', () => {
  let room: Room;

  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(() => room.close());

  const open = ({ traits = ['--takes', 'load'], runtime, options }: Opening = {}): Promise<LocalAgents> => {
    const helper = { kind: 'acp', argv: acpAgent(...traits), ...runtime };
    const runtimes = runtimeOptions.parse({ helper, claude: { kind: 'claude' } });
    const resolver = new WithAgent({ profiles: profileOptions.parse({}), runtimes, skills: {} }, () => 'sk-real');
    return room.open({ resolver, ...(options && { options }) });
  };

  const begin = async (agents: LocalAgents, steps: string[], more: SpawnArgs['options'] = { session: 'mine' }) => {
    const request = room.request(doing(...steps));
    const options = { runtime: 'helper', ...more };
    return (await agents.spawn({ ...request, args: { ...request.args, options } })).agentId;
  };

  const turn = async (agents: LocalAgents, agentId: string, ...steps: string[]): Promise<AgentResource> => {
    const { turn: n } = await agents.send({ agentId, actor: admin, turnId: randomUUID(), input: doing(...steps) });
    return after(agents, agentId, n);
  };

  const after = (agents: LocalAgents, agentId: string, n: number): Promise<AgentResource> =>
    eventually(
      () => agents.get(agentId),
      ({ turns, state }) => turns?.last?.turn === n || state === 'failed',
      60_000,
    );

  const said = async (agents: LocalAgents, agentId: string) => (await agents.output(agentId, 0, 200_000)).text;
  const heard = (agents: LocalAgents, agentId: string, text: string) =>
    eventually(
      () => said(agents, agentId),
      (all) => all.includes(text),
      60_000,
    );
  const asked = async (agents: LocalAgents) => {
    const [question] = await eventually(
      () => agents.questions(),
      (all) => all.length === 1,
      60_000,
    );
    return question!;
  };

  test('a turn finds it warm, with the conversation that it had; its home goes with the session', async () => {
    const agents = await open();
    const agentId = await begin(agents, ['result First.']);
    expect((await after(agents, agentId, 1)).turns?.last?.result?.summary).toBe('First.');
    const second = await turn(agents, agentId, 'recall', 'env HOME', 'result Second.');
    expect(second.turns?.last).toMatchObject({ state: 'completed', result: { summary: 'Second.' } });
    await heard(agents, agentId, 'remembers 1\nHOME=/opt/writ/home\n');
    const home = join(room.folder, 'agents', 'sessions', `${agentId}.home`);
    expect(existsSync(home)).toBe(true);
    await agents.closeSession({ agentId, actor: admin, reason: 'enough', force: true });
    await cleaned(agents, agentId);
    expect(existsSync(home)).toBe(false);
  }, 120_000);

  test.each(['load', 'resume'])(
    'let go for another and made anew, it takes its session up by session/%s, without showing the past again',
    async (takes) => {
      const agents = await open({ traits: ['--takes', takes], options: { pool: { warmMax: 1 } } });
      const one = await begin(agents, ['result One.']);
      await after(agents, one, 1);
      const other = await begin(agents, ['result Other.']);
      await after(agents, other, 1);
      await turn(agents, one, 'recall', 'prompt', 'result Two.');
      const text = await heard(agents, one, 'Two.');
      expect(text).toContain('remembers 1\n');
      expect(text).not.toContain('REPLAY');
      expect(text).not.toContain('You are a software engineer');
    },
    90_000,
  );

  test('[S-5] after a restart of the spoke it takes its session up; one that cannot is told what was before', async () => {
    const before = await open();
    const able = await begin(before, ['result Able.']);
    await after(before, able, 1);
    await before.close();
    const between = await open({ traits: ['--takes', 'nothing'] });
    const unable = await begin(between, ['result Unable.']);
    await after(between, unable, 1);
    await between.close();
    const agents = await open();
    await turn(agents, able, 'recall', 'result Again.');
    await heard(agents, able, 'remembers 1\n');
    await agents.close();
    const last = await open({ traits: ['--takes', 'nothing'] });
    const again = await turn(last, unable, 'recall', 'prompt', 'result Again.');
    expect(again.turns?.last).toMatchObject({ state: 'completed' });
    const text = await heard(last, unable, 'Again.');
    expect(text).toContain('remembers 0\n');
    expect(text).toMatch(
      /You are a software engineer.*conversation is lost.*You were asked: Task: task-1.*You answered: Unable\./,
    );
  }, 120_000);

  test('[W-2] a home that a crash left of nobody is removed at the next start, closed folders and all', async () => {
    const home = join(room.folder, 'agents', 'sessions', `${randomUUID()}.home`);
    await mkdir(join(home, 'closed', 'inner'), { recursive: true });
    await chmod(join(home, 'closed'), 0);
    await open();
    await eventually(
      () => Promise.resolve(existsSync(home)),
      (isThere) => !isThere,
    );
  });

  test('a session that the agent has lost begins anew, and its output says so', async () => {
    const agents = await open({ options: { pool: { warmMax: 1 } } });
    const one = await begin(agents, ['sh rm -r $HOME/.acp-agent; mkdir $HOME/.acp-agent', 'result One.']);
    await after(agents, one, 1);
    await after(agents, await begin(agents, ['result Other.']), 1);
    expect((await turn(agents, one, 'prompt', 'result Two.')).turns?.last).toMatchObject({ state: 'completed' });
    expect(await heard(agents, one, 'Two.')).toMatch(/it begins anew[\s\S]*conversation is lost/);
  }, 120_000);

  test('taken back to before a turn, it has forgotten that turn, and is told of the others', async () => {
    const agents = await open();
    const agentId = await begin(agents, ['result First.']);
    await after(agents, agentId, 1);
    await turn(agents, agentId, 'result Regretted.');
    await agents.restore({ agentId, actor: admin, turnId: randomUUID(), to: 2, reason: 'the wrong way' });
    await turn(agents, agentId, 'recall', 'prompt', 'result Third.');
    const text = await heard(agents, agentId, 'Third.');
    expect(text.slice(text.indexOf('begins anew'))).toMatch(/remembers 0\n[\s\S]*You answered: First\./);
    expect(text.slice(text.indexOf('begins anew'))).not.toContain('Regretted');
  }, 120_000);

  test('a process that ended in a turn fails that turn; the next one begins with a new process', async () => {
    const agents = await open();
    const agentId = await begin(agents, ['exit 3']);
    const first = await after(agents, agentId, 1);
    expect(first.turns?.last).toMatchObject({ exitReason: 'runtime_error', reason: 'The agent ended (code 3).' });
    expect((await turn(agents, agentId, 'recall', 'result Better.')).turns?.last).toMatchObject({ state: 'completed' });
  }, 120_000);

  test('[P-11] what it says late of a turn does not settle the next', async () => {
    const agents = await open();
    const late = '{"writ":"result","turn":1,"summary":"Late.","items":[{"item":0,"status":"done","note":""}]}';
    const agentId = await begin(agents, [`late ${late}`, 'result First.']);
    await after(agents, agentId, 1);
    const second = await turn(agents, agentId, 'sh sleep 1', 'result Second.', 'say And more.');
    expect(second.turns?.last?.result?.summary).toBe('Second.');
    await heard(agents, agentId, 'Late.');
  }, 120_000);

  test('[K-15] a kill cancels its prompt, within the grace, and nothing is left', async () => {
    const agents = await open({ options: { graceMs: 10_000 } });
    const agentId = await begin(agents, ['say up', 'wait'], {});
    await heard(agents, agentId, 'up\n');
    expect(await agents.kill(agentId, admin, 'enough')).toMatchObject({ killed: [agentId], survivors: 0 });
    await heard(agents, agentId, 'CANCELLED');
  }, 120_000);

  describe('asks a person', () => {
    test('and goes on with the answer, which is named', async () => {
      const agents = await open();
      const agentId = await begin(agents, ['ask fetch https://example.org', 'ask other second', 'result Done.'], {});
      const question = await asked(agents);
      expect(question).toMatchObject({
        agentId,
        kind: 'permission',
        title: 'May the agent fetch: https://example.org?',
      });
      await agents.answer(question.questionId, { allow: true, reason: 'fine' }, admin);
      await heard(agents, agentId, 'allowed by key admin (fine)\nanswer: yes!\n');
      await agents.answer((await asked(agents)).questionId, { allow: false }, admin);
      expect(await cleaned(agents, agentId)).toMatchObject({
        state: 'completed',
        answer: { kind: 'permission', allows: false },
      });
      expect(await said(agents, agentId)).toContain('answer: no!\n');
    }, 120_000);

    test('whose silence is a no', async () => {
      const agents = await open({ runtime: { askMs: 1_000 } });
      const agentId = await begin(agents, ['ask fetch it', 'result Done.'], {});
      expect(await cleaned(agents, agentId)).toMatchObject({ state: 'completed', answer: { option: 'expired' } });
      expect(await said(agents, agentId)).toContain('nobody answered in time\nanswer: no!\n');
    }, 120_000);

    test('a turn that breaks off takes its question with it: the next one can ask', async () => {
      const agents = await open();
      const agentId = await begin(agents, ['double fetch']);
      const first = await after(agents, agentId, 1);
      expect(first.turns?.last).toMatchObject({ state: 'failed' });
      expect(first.question).toBeUndefined();
      const { turn: n } = await agents.send({
        agentId,
        actor: admin,
        turnId: randomUUID(),
        input: doing('ask fetch it', 'result Done.'),
      });
      await agents.answer((await asked(agents)).questionId, { allow: true }, admin);
      expect((await after(agents, agentId, n)).turns?.last).toMatchObject({ state: 'completed' });
    }, 120_000);

    test('[S-5] a question that a restart left open is nobody’s any more', async () => {
      const before = await open();
      const agentId = await begin(before, ['result First.']);
      await after(before, agentId, 1);
      await before.send({ agentId, actor: admin, turnId: randomUUID(), input: doing('ask fetch it', 'result Done.') });
      await asked(before);
      await before.close();
      const agents = await open();
      expect(await agents.questions()).toEqual([]);
      expect(await agents.get(agentId)).toMatchObject({ state: 'running', activity: 'idle' });
    }, 120_000);
  });

  describe('is counted', () => {
    test('by its own word: a budget that it passes ends it', async () => {
      const agents = await open();
      const agentId = await begin(agents, ['cost 0.5', 'wait'], { limits: { moneyMicroUsdMax: 400_000 } });
      expect(await cleaned(agents, agentId)).toMatchObject({ exitReason: 'money', usage: { moneyMicroUsd: 500_000 } });
    }, 120_000);

    test('at the spoke’s door to the model, and then not by its own word', async () => {
      const script = { conversations: [{ name: 'only', turns: [{ text: 'A word.' }], repeatLast: true }] };
      const understudy = new Understudy(parseScript(script));
      const price = { input: 1_000_000, output: 1_000_000, cacheRead: 0, cacheWrite: 0 };
      const model = { baseUrl: await understudy.listen(), defaultPrice: price };
      try {
        const agents = await open({ runtime: { model } });
        const agentId = await begin(agents, ['cost 9', 'tokens 900 900', 'model', 'result Done.'], { model: 'm-1' });
        const { usage } = await cleaned(agents, agentId);
        expect(await said(agents, agentId)).toContain('model: 200');
        expect(usage).toMatchObject({ turns: 1 });
        expect(usage.inputTokens + usage.outputTokens).toBeLessThan(900);
        expect(usage.moneyMicroUsd).toBe(usage.inputTokens + usage.outputTokens);
      } finally {
        await room.close();
        await understudy.close();
      }
    }, 120_000);
  });

  test('a home that outgrows its bound fails the session', async () => {
    const agents = await open({ options: { sessionHomeBytesMax: 2 ** 20 } });
    const agentId = await begin(agents, ['sh head -c 2000000 /dev/zero > $HOME/big', 'result Done.']);
    const failed = await after(agents, agentId, 2);
    expect(failed).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('home of the session has outgrown'),
    });
  }, 120_000);
});
