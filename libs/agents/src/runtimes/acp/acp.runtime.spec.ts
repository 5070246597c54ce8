// The runtime `acp`: a real agent on the protocol's own SDK, as a process, plain or in bubblewrap.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { acpAgent, acpAgentMounts, doing } from '../../../../../test/support/acp-agent.js';
import { AgentMachine, works, type MachineOptions } from '../../../../../test/support/agent-machine.js';
import { requirement } from '../../../../../test/support/require.js';
import { builtinProfiles } from '../../profiles/builtin.js';
import { runtimeContract } from '../runtime.contract.js';
import { LimitReached, type AgentTask, type RuntimeOutcome } from '../runtime.js';
import { acpOptions } from './acp.options.js';
import { AcpRuntime } from './acp.runtime.js';

const inBubblewrap = requirement('bubblewrap', works('namespace'), 'apt-get install bubblewrap');
const inUnshare = requirement('unshare', works('unshare'), 'apt-get install util-linux iproute2');

const task: AgentTask = {
  agentId: '6f0bd2a8-0000-4000-8000-000000000003',
  taskId: 'T-1',
  agentType: 'worker',
  repository: 'https://example.org/a.git',
  branch: 'main',
  workItems: [doing('result Done.')],
  limits: {},
  profile: { ...builtinProfiles.worker, systemPrompt: 'Be kind.' },
  skills: [{ name: 'careful', description: 'How to be careful.', path: '/opt/writ/skills/careful' }],
};

type Play = Partial<MachineOptions> & {
  readonly traits?: readonly string[];
  readonly runtime?: object;
  readonly task?: Partial<AgentTask>;
};

describe('the acp runtime', () => {
  let work: string;
  let machine: AgentMachine;

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'writ-acp-'));
  });
  afterEach(async () => {
    expect(await machine.close()).toBe(0);
    await rm(work, { recursive: true, force: true });
  });

  function stage(steps: readonly string[], { traits = [], runtime: more, task: other, ...options }: Play = {}) {
    const argv = acpAgent(...traits);
    const runtime = new AcpRuntime(acpOptions.parse({ kind: 'acp', argv, ...more }), () => undefined);
    machine = new AgentMachine({ work, mounts: [...runtime.mounts, ...acpAgentMounts], writable: true, ...options });
    return { runtime, machine, task: { ...task, workItems: [doing(...steps)], ...other } };
  }

  function run(steps: readonly string[], play?: Play): Promise<RuntimeOutcome> {
    const { runtime, task: asked } = stage(steps, play);
    return runtime.run(asked, machine);
  }

  runtimeContract((part, options) => {
    const steps = part === 'quick' ? ['say one', 'say two', 'result Done.'] : ['say one', 'wait'];
    return Promise.resolve(stage(steps, options));
  });

  inBubblewrap(
    'works in the sandbox with tools of its own: what it made is there, its plan and its calls are output',
    async () => {
      const steps = ['plan look,write', 'think hm', 'tool execute sh', 'sh pwd; echo new > new.txt', 'result Made it.'];
      const outcome = await run(steps, { level: 'namespace' });
      expect(outcome).toEqual({
        exitReason: 'finished',
        result: { summary: 'Made it.', items: [{ item: 0, status: 'done', note: '' }] },
      });
      expect(machine.said).toContain('[plan] [x] look\n[plan] [ ] write\nhm\n[execute] sh\n/work\n');
      expect(await readFile(join(work, 'new.txt'), 'utf8')).toBe('new\n');
    },
  );

  const athome = async (level: 'namespace' | 'unshare') => {
    const home = await mkdtemp(join(tmpdir(), 'writ-home-'));
    const mounts = [...acpAgentMounts, { from: home, to: '/opt/writ/home', writable: true }];
    const play: Play = { level, mounts, task: { session: 'mine' } };
    expect(await run(['sh echo kept > $HOME/kept', 'result Done.'], play)).toMatchObject({ exitReason: 'finished' });
    expect(await readFile(join(home, 'kept'), 'utf8')).toBe('kept\n');
    await rm(home, { recursive: true, force: true });
  };
  inBubblewrap('with a session its home is a folder of the spoke', () => athome('namespace'));
  inUnshare('and in the sandbox unshare too', () => athome('unshare'));

  test('hears the profile, the task, its skills and the form of the result', async () => {
    await run(['prompt', 'result Done.']);
    for (const text of [
      'Be kind.',
      'T-1',
      'https://example.org/a.git',
      'careful/SKILL.md',
      '"turn":1',
      'ends your work',
    ])
      expect(machine.said).toContain(text);
  });

  describe('its result', () => {
    const given = (text: string) => ['say first words', `say ${text}`];

    test('is asked for again when it is missing, and its own message stands when it never comes', async () => {
      const outcome = await run(['say I am done.'], { runtime: { resultRetriesMax: 1 } });
      expect(outcome).toMatchObject({ exitReason: 'result_invalid', result: { summary: 'I am done.', items: [] } });
      expect(machine.usage.reduce((sum, { turns }) => sum + turns, 0)).toBe(2);
    });

    test.each([
      ['one that answers no item', '{"writ":"result","summary":"x","items":[]}'],
      ['one that is cut off', '{"writ":"result","summary":"x'],
      [
        'one with more than it may have',
        '{"writ":"result","summary":"x","items":[{"item":0,"status":"done","note":""}],"commit":"abc"}',
      ],
      [
        '[P-11] one of another turn',
        '{"writ":"result","turn":7,"summary":"x","items":[{"item":0,"status":"done","note":""}]}',
      ],
    ])('is not %s', async (_, text) => {
      expect(await run(given(text), { runtime: { resultRetriesMax: 0 } })).toMatchObject({
        exitReason: 'result_invalid',
      });
    });

    test('is its last message where none is asked for', async () => {
      const outcome = await run(['say before', 'tool read x', 'say All is well.'], {
        runtime: { resultFrom: 'message' },
      });
      expect(outcome).toEqual({ exitReason: 'finished', result: { summary: 'All is well.', items: [] } });
    });

    test('has findings for a reviewer', async () => {
      const finding = '{"file":"a.ts","line":1,"severity":"info","message":"m"}';
      const items = '[{"item":0,"status":"done","note":""}]';
      const outcome = await run(given(`{"writ":"result","summary":"s","items":${items},"findings":[${finding}]}`), {
        task: { profile: builtinProfiles.reviewer },
      });
      expect(outcome.result.findings).toEqual([JSON.parse(finding)]);
    });
  });

  describe('permission', () => {
    const asks = (kind: string) => [`ask ${kind} it`, 'result Done.'];

    test.each([
      ['worker', 'edit', 'yes!'],
      ['worker', 'execute', 'yes!'],
      ['worker', 'read', 'yes!'],
      ['reviewer', 'edit', 'no!'],
      ['reviewer', 'read', 'yes!'],
    ] as const)('goes by the profile: a %s and %s', async (type, kind, answer) => {
      const profile = { ...builtinProfiles[type], result: 'changes' as const };
      await run(asks(kind), { task: { profile } });
      expect(machine.said).toContain(`answer: ${answer}`);
      expect(machine.wishes).toEqual([]);
    });

    test('goes by the configuration before the profile', async () => {
      await run(asks('execute'), { runtime: { permissions: { execute: 'deny' } } });
      expect(machine.said).toContain('[permission] execute it: denied by the spoke\nanswer: no!');
    });

    test.each([
      ['yes', 'allow-once-0', 'yes!'],
      ['yes for good', 'allow-always-1', 'always!'],
      ['no', 'reject-once-2', 'no!'],
    ])('of a person: %s', async (_, option, answer) => {
      await run(asks('fetch'), { answer: () => option });
      expect(machine.said).toContain(`answer: ${answer}`);
      const [wish] = machine.wishes;
      expect(wish).toMatchObject({
        title: 'May the agent fetch: it?',
        detail: 'Input: {"command":"it"}',
        withinMs: 600_000,
      });
      expect(wish?.options.map(({ id, allows }) => [id, allows])).toEqual([
        ['allow-once-0', true],
        ['allow-always-1', true],
        ['reject-once-2', false],
      ]);
    });

    test('nobody answers in time: denied', async () => {
      await run(asks('fetch'), { answer: () => 'expired' });
      expect(machine.said).toContain('denied: nobody answered in time\nanswer: no!');
    });

    test('nobody can be asked: denied', async () => {
      await run(asks('fetch'), { answer: () => Promise.reject(new Error('the store is away')) });
      expect(machine.said).toContain('answer: no!');
    });

    test('is withdrawn when the agent is stopped', async () => {
      const { runtime, task: asked } = stage(asks('fetch'));
      const running = runtime.run(asked, machine);
      await machine.until('[fetch] it');
      machine.abort();
      expect(await running).toMatchObject({ exitReason: 'killed' });
    });
  });

  describe('usage', () => {
    test('is what the agent says, each prompt a turn', async () => {
      await run(['cost 0.5', 'tokens 10 3', 'cost 0.75', 'cost 0.1', 'result Done.']);
      const sum = (name: 'turns' | 'inputTokens' | 'outputTokens' | 'moneyMicroUsd') =>
        machine.usage.reduce((all, usage) => all + usage[name], 0);
      expect([sum('turns'), sum('inputTokens'), sum('outputTokens'), sum('moneyMicroUsd')]).toEqual([
        1, 10, 3, 750_000,
      ]);
      expect(machine.admitted).toBe(1);
    });

    test('a budget that is spent lets no prompt begin', async () => {
      const refuse = { turn: 1, because: new LimitReached('money') };
      expect(await run(['say one'], { refuse })).toMatchObject({ exitReason: 'money' });
      expect(machine.said).not.toContain('one');
    });
  });

  test.each([
    ['max_tokens', 'model_error'],
    ['max_turn_requests', 'model_error'],
    ['refusal', 'model_error'],
    ['cancelled', 'runtime_error'],
    ['unheard_of', 'runtime_error'],
  ])('a turn that stops with %s fails with %s', async (reason, exitReason) => {
    expect(await run([`stop ${reason}`])).toMatchObject({ exitReason, failure: expect.any(String) });
  });

  describe('settings of the session', () => {
    test('the mode and the model are chosen before the first prompt', async () => {
      await run(['result Done.'], { runtime: { mode: 'careful' }, task: { model: 'm-2' } });
      expect(machine.said).toMatch(/mode: careful\n[\s\S]*model: m-2/);
    });

    test('a model that is not offered fails the turn, and so does a mode', async () => {
      expect(await run(['result Done.'], { task: { model: 'm-9' } })).toMatchObject({
        failure: 'The agent does not offer the model m-9.',
      });
      expect(await machine.close()).toBe(0);
      expect((await run(['result Done.'], { runtime: { mode: 'wild' } })).failure).toMatch(/there is no such mode/);
    });
  });

  describe('an agent that does not keep to the protocol', () => {
    const broken = async (steps: readonly string[], play?: Play) => {
      const outcome = await run(steps, play);
      expect(outcome).toMatchObject({ exitReason: 'runtime_error', result: { summary: '', items: [] } });
      return outcome.failure;
    };

    test('a line that is no message', async () => {
      expect(await broken(['raw hello there'])).toMatch(/no message of the protocol/);
    });

    test('a line of another protocol', async () => {
      expect(await broken(['raw {"jsonrpc":"1.0","method":"session/update"}'])).toMatch(/no message of the protocol/);
    });

    test('an answer that nobody asked for, or a second one', async () => {
      expect(await broken(['raw {"jsonrpc":"2.0","id":4711,"result":{}}'])).toMatch(/was not asked/);
      expect(await machine.close()).toBe(0);
      expect(await broken(['raw {"jsonrpc":"2.0","id":0,"result":{}}'])).toMatch(/was not asked/);
    });

    test('a request under an id that is open', async () => {
      expect(await broken(['double fetch'])).toMatch(/two of the same id/);
    });

    test('an update that is none', async () => {
      expect(await broken(['raw {"jsonrpc":"2.0","method":"session/update","params":7}'])).toMatch(
        /none of the protocol/,
      );
    });

    test('an update of another session is nobody’s', async () => {
      const params = {
        sessionId: 'other',
        update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'OTHER' } },
      };
      const raw = JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params });
      expect(await run([`raw ${raw}`, 'result Done.'])).toMatchObject({ exitReason: 'finished' });
      expect(machine.said).not.toContain('OTHER');
    });

    test('a line without an end', async () => {
      expect(await broken(['sh head -c 9000000 /dev/zero | tr "\\\\0" x > big', 'pour big'])).toMatch(/too long/);
    });

    test('a flood of messages that show nothing', async () => {
      expect(await broken(['flood'])).toMatch(/floods the spoke/);
    }, 120_000);

    test('an end in the middle', async () => {
      expect(await broken(['say one', 'exit 3'])).toBe('The agent ended (code 3).');
    });

    test('a program that is none', async () => {
      const argv = ['/bin/sh', '-c', 'echo Usage: me; exit 64'];
      expect(await broken([], { runtime: { argv } })).toBe('The agent ended (code 64).');
      expect(machine.said).toBe('Usage: me\n');
    });

    test.each([
      ['initialize', 300],
      ['session/new', 2_500],
    ])('silence after %s', async (method, startMs) => {
      const failure = await broken([], { traits: ['--mute', method], runtime: { startMs } });
      expect(failure).toBe(`The agent did not answer \`${method}\` within ${startMs} ms.`);
    });

    test('another version of the protocol', async () => {
      expect(await broken([], { traits: ['--version', '2'] })).toMatch(/speaks version 2 of the protocol/);
    });

    test('an error for a prompt', async () => {
      expect(await broken(['fail -32603 token=abcdefgh12345678'])).toBe(
        'The agent refused what it was asked: token=[secret] (-32603).',
      );
    });

    test('a login', async () => {
      expect(await broken([], { traits: ['--login'] })).toMatch(/wants a login/);
    });

    test('a greeting is put up with', async () => {
      expect(await run(['result Done.'], { traits: ['--greets', 'Welcome!'] })).toMatchObject({
        exitReason: 'finished',
      });
      expect(machine.said).toContain('Welcome!\n');
    });
  });
});
