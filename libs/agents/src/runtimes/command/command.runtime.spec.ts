// The runtime `command`: real programs, plain or in bubblewrap.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AgentMachine, works, type MachineOptions } from '../../../../../test/support/agent-machine.js';
import { requirement } from '../../../../../test/support/require.js';
import { runtimeContract } from '../runtime.contract.js';
import type { AgentTask, RuntimeOutcome } from '../runtime.js';
import { commandOptions } from './command.options.js';
import { CommandRuntime } from './command.runtime.js';

const inBubblewrap = requirement('bubblewrap', works('namespace'), 'apt-get install bubblewrap');

const task: AgentTask = {
  agentId: '6f0bd2a8-0000-4000-8000-000000000002',
  taskId: 'T-1',
  agentType: 'worker',
  repository: 'https://example.org/a.git',
  branch: 'main',
  workItems: ['Do "this".', 'Ünd that.'],
  limits: { turnsMax: 3 },
  profile: { systemPrompt: 'secret instructions', tools: [], writes: true, result: 'changes' },
  skills: [{ name: 'careful', description: 'How to be careful.', path: '/opt/writ/skills/careful' }],
};

describe('the command runtime', () => {
  let work: string;
  let machine: AgentMachine;

  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'writ-command-'));
  });
  afterEach(async () => {
    await machine.close();
    await rm(work, { recursive: true, force: true });
  });

  function run(shell: string, more: Partial<MachineOptions> = {}, asked = task): Promise<RuntimeOutcome> {
    const argv = ['/bin/bash', '-c', shell];
    const runtime = new CommandRuntime(
      commandOptions.parse({ kind: 'command', argv, env: { GREETING: 'hello' } }),
      () => undefined,
    );
    machine = new AgentMachine({ work, mounts: runtime.mounts, writable: true, ...more });
    return runtime.run(asked, machine);
  }

  runtimeContract((part, options) => {
    const shell = part === 'quick' ? 'echo one; echo two' : 'echo one; sleep 600';
    const runtime = new CommandRuntime(
      commandOptions.parse({ kind: 'command', argv: ['/bin/sh', '-c', shell] }),
      () => undefined,
    );
    machine = new AgentMachine({ work, mounts: runtime.mounts, ...options });
    return Promise.resolve({ runtime, task, machine });
  });

  test('the task comes as JSON on stdin and in WRIT_TASK, its plain fields as variables', async () => {
    const outcome = await run(
      'cat > task.json; echo "$WRIT_TASK" > same.json; echo $WRIT_TASK_ID $WRIT_BRANCH $GREETING',
    );
    const text = await readFile(join(work, 'task.json'), 'utf8');
    expect(await readFile(join(work, 'same.json'), 'utf8')).toBe(text);
    const { agentId, taskId, agentType, repository, branch, workItems, skills } = task;
    expect(JSON.parse(text)).toEqual({ agentId, taskId, agentType, repository, branch, workItems, skills });
    expect(machine.said).toBe('T-1 main hello\n');
    expect(outcome).toEqual({
      exitReason: 'finished',
      result: { summary: 'The command ended with code 0.', items: [], exitCode: 0 },
    });
  });

  test('a task too large for a variable still comes whole on stdin', async () => {
    const large = { ...task, workItems: Array<string>(50).fill('ü'.repeat(8_000)) };
    await run('wc -c; echo "in the variable: ${#WRIT_TASK}"', {}, large);
    expect(Number.parseInt(machine.said)).toBeGreaterThan(800_000);
    expect(machine.said).toContain('in the variable: 0');
  });

  test('a program that never reads its stdin is none the worse', async () => {
    const large = { ...task, workItems: Array<string>(50).fill('x'.repeat(8_000)) };
    expect((await run('exec <&-; echo done', {}, large)).exitReason).toBe('finished');
  });

  test('stdout and stderr are output; a broken character stays whole over chunks', async () => {
    await run(`printf 'gr\\303'; sleep 0.1; printf '\\274n\\n'; echo oops >&2`);
    expect(machine.said).toContain('grün\n');
    expect(machine.said).toContain('oops\n');
  });

  test.each([
    ['exit 3', 'exit_code', 'The command ended with code 3.', 3],
    ['kill -9 $$', 'exit_code', 'The command was ended by SIGKILL.', undefined],
  ])('`%s` fails the run with the reason', async (shell, exitReason, failure, exitCode) => {
    const outcome = await run(shell);
    expect(outcome).toMatchObject({ exitReason, failure });
    expect(outcome.result.exitCode).toBe(exitCode);
  });

  test('a program that is not there is an outcome, not an error', async () => {
    const runtime = new CommandRuntime(
      commandOptions.parse({ kind: 'command', argv: ['/no/such/program'] }),
      () => undefined,
    );
    machine = new AgentMachine({ work, mounts: [] });
    expect((await runtime.run(task, machine)).failure).toMatch(/^The command/);
  });

  test('the last line may be a structured result', async () => {
    const result = { summary: 'Found one.', items: [{ item: 0, status: 'done', note: '' }], findings: [] };
    const outcome = await run(`echo working; echo '${JSON.stringify({ writ: 'result', ...result })}'; echo`);
    expect(outcome).toEqual({ exitReason: 'finished', result: { ...result, exitCode: 0 } });
  });

  test.each(['{"writ":"result"}', '{"writ":"result","summary":"x","commit":"forged"}', '{"writ":"result","summary":'])(
    'a last line that only means to be a result is refused: %s',
    async (line) => {
      expect(await run(`echo '${line}'`)).toMatchObject({ exitReason: 'result_invalid' });
    },
  );

  test('a result in the middle is output like any other', async () => {
    const outcome = await run(`echo '{"writ":"result","summary":"early","items":[]}'; echo later`);
    expect(outcome.result.summary).toBe('The command ended with code 0.');
  });

  test('the signal ends the run at once, though a child of it keeps the pipes open', async () => {
    const running = run('setsid sleep 60 & echo started; wait');
    await machine.until('started');
    const before = performance.now();
    machine.abort();
    expect(await running).toMatchObject({ exitReason: 'killed' });
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(await machine.close()).toBe(0);
  });

  inBubblewrap('inside there is the worktree, the Node of the spoke, and nothing inherited', async () => {
    await run('pwd; touch made; command -v node; env | sort', { level: 'namespace' });
    expect(machine.said).toMatch(/^\/work\n\/opt\/writ\/bin\/node\n/);
    const names = [...machine.said.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    const own = ['CI', 'GIT_TERMINAL_PROMPT', 'GREETING', 'HOME', 'LANG', 'PATH', 'PWD', 'SHLVL', 'TERM'];
    const task_ = ['WRIT_AGENT_ID', 'WRIT_AGENT_TYPE', 'WRIT_BRANCH', 'WRIT_REPOSITORY', 'WRIT_TASK', 'WRIT_TASK_ID'];
    expect(names).toEqual([...own, ...task_, '_']);
  });
});
