// Gates of agents in real sandboxes: run on what the agent left, handed back where a runtime takes turns, never taken away.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Sandbox, type Backend, type LaunchSpec, type LocalAgents, type SandboxProcess, type Turn } from '#agents';
import { WritError, type AgentType, type SpawnArgs } from '#protocol';
import { admin, cleaned, eventually, inState, Room, type RoomOptions } from '../../../../test/support/agents.js';
import { SessionRuntime } from '../../../../test/support/session-runtime.js';
import { ShellResolver } from '../../../../test/support/shell-runtime.js';
import { secretToken } from '../../../../test/support/wares.js';
import type { ReviewInput } from './options.js';

let room: Room;
let agents: LocalAgents;
beforeEach(async () => {
  room = await Room.make();
});
afterEach(() => room.close());

type Argv = [string, ...string[]];
const sh = (script: string): Argv => ['sh', '-c', script];
/** Passes when the agent has left that file. */
const wants = (file: string): Argv => sh(`test -e ${file} || { echo "there is no ${file}"; exit 4; }`);

async function open(commands: Argv[], more: Partial<ReviewInput> = {}, rest: RoomOptions = {}): Promise<void> {
  const gates = [{ repositories: ['file://**'], commands }];
  agents = await room.open({ ...rest, review: { review: { gates, ...more } } });
}

async function ended(
  script: string,
  options: SpawnArgs['options'] = {},
  agentType: AgentType = 'worker',
  then = 'true',
) {
  const request = room.request(script);
  const context = { ...request.args.context, workItems: [script, then] };
  const { agentId } = await agents.spawn({ ...request, args: { ...request.args, context, agentType, options } });
  return cleaned(agents, agentId);
}

describe('gates', () => {
  test('pass on what the agent left, in its sandbox, and what they leave is part of the work', async () => {
    await open([wants('made.txt'), sh('pwd; echo by-gate > gate.txt')]);
    const agent = await ended('echo made > made.txt');
    expect(agent).toMatchObject({
      state: 'completed',
      result: { gates: [{ passed: true }, { passed: true, exitCode: 0 }] },
    });
    const { text } = await agents.diff(agent.agentId);
    expect(text).toContain('+by-gate');
    expect((await agents.output(agent.agentId, 0, 1_000)).text).toContain('[writ] gate sh -c pwd;');
  });

  test('that do not pass fail an agent of one turn at once, with the report; its work is kept and those after it are not run', async () => {
    await open([sh('exit 0'), wants('made.txt'), sh('touch never.txt')]);
    const agent = await ended('echo other > other.txt');
    expect(agent).toMatchObject({
      state: 'failed',
      exitReason: 'gate_failed',
      reason: expect.stringMatching(/did not pass. It ended with code 4/),
    });
    expect(agent.result?.gates).toMatchObject([
      { passed: true },
      { passed: false, exitCode: 4, output: 'there is no made.txt' },
    ]);
    const { text } = await agents.diff(agent.agentId);
    expect(text).toContain('+other');
    expect(text).not.toContain('never.txt');
  });

  test('[F-7] of all entries that match and of the caller count together: nobody takes one away', async () => {
    const gates = [
      { repositories: ['file://**'], commands: [wants('one')] },
      { repositories: ['https://elsewhere.example/**'], commands: [sh('exit 9')] },
      { repositories: ['**'], commands: [wants('two')], agentTypes: ['worker' as const, 'reviewer' as const] },
    ];
    agents = await room.open({ review: { review: { gates } } });
    const passed = await ended('touch one two three', { gates: [wants('three')] });
    expect(passed.result?.gates).toHaveLength(3);
    for (const [left, reports] of [
      ['two three', 1],
      ['one three', 2],
      ['one two', 3],
    ] as const) {
      const agent = await ended(`touch ${left}`, { gates: [wants('three')] });
      expect(agent).toMatchObject({ exitReason: 'gate_failed' });
      expect(agent.result?.gates).toHaveLength(reports);
    }
    expect(await ended('true', {}, 'reviewer')).toMatchObject({ exitReason: 'gate_failed' });
    expect(await ended('true', {}, 'tester')).toMatchObject({ state: 'completed' });
  });

  test('are not run for an agent that failed by itself', async () => {
    await open([sh('touch ran; exit 1')]);
    const agent = await ended('echo x > x; exit 3');
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'exit_code' });
    expect(agent.result).not.toHaveProperty('gates');
  });

  test('that take too long are ended, with all that they started', async () => {
    await open([sh('setsid sleep 6178 & echo begun; sleep 6178')], { gateMs: 1_500 });
    const agent = await ended('true');
    expect(agent).toMatchObject({ exitReason: 'gate_failed', reason: expect.stringMatching(/longer than 1500 ms/) });
    expect(agent.result?.gates?.[0]?.output).toBe('begun');
  });

  test('[K-15] end at once with a kill', async () => {
    await open([sh('echo begun > begun; exec sleep 600')]);
    const { agentId } = await agents.spawn(room.request('echo worked'));
    await eventually(
      () => agents.output(agentId, 0, 100),
      ({ text }) => text.includes('worked'),
    );
    expect(await agents.kill(agentId, admin, 'enough')).toMatchObject({ killed: [agentId], survivors: 0 });
    expect(await cleaned(agents, agentId)).toMatchObject({ state: 'killed', reason: 'enough' });
  });

  test('[O-9] whose program is not there have not passed', async () => {
    await open([['/no/such/program', 'x']]);
    expect(await ended('true')).toMatchObject({ state: 'failed' });
  });

  test('that say endlessly much, and secrets, are told in their end and without them', async () => {
    await open([
      sh(`yes long line | head -c 3000000; printf '\\033[31m%s\\033[0m' 'token ${secretToken}' >&2; exit 1`),
    ]);
    const { result, exitReason } = await ended('true');
    expect(exitReason).toBe('gate_failed');
    const [report] = result?.gates ?? [];
    expect(report?.output?.length).toBeLessThanOrEqual(4_000);
    expect(report?.command).toContain('[secret]');
    expect(JSON.stringify(result)).not.toContain(secretToken);
  });

  test.each([
    ['no word', [[]]],
    ['a word with a NUL', [['a\0b']]],
    ['too much', [['x', ...Array.from({ length: 20 }, () => 'y'.repeat(900))]]],
    ['no list', 'make'],
  ])('[S-3] of a caller with %s are refused by name', async (_what, gates) => {
    agents = await room.open();
    const request = room.request('true');
    const args = { ...request.args, options: { gates } } as unknown as SpawnArgs;
    await expect(agents.spawn({ ...request, args })).rejects.toMatchObject({
      code: 'invalid_request',
      field: expect.stringMatching(/^args\.options\.gates/),
    });
  });
});

/** Takes one program of an agent at a time, as containers with limits do. */
class OneAtATime extends Sandbox {
  private readonly busy = new Map<string, number>();
  constructor(private readonly inner: Sandbox) {
    super();
  }
  override get level() {
    return this.inner.level;
  }
  override probe() {
    return this.inner.probe();
  }
  override async launch(spec: LaunchSpec, signal: AbortSignal): Promise<SandboxProcess> {
    if ((this.busy.get(spec.agentId) ?? 0) > 0) throw new WritError('limit_unenforceable', 'Another program runs.');
    this.busy.set(spec.agentId, 1);
    const running = await this.inner.launch(spec, signal);
    void running.end.then(() => this.busy.set(spec.agentId, 0));
    return running;
  }
  override stop(...args: Parameters<Sandbox['stop']>) {
    return this.inner.stop(...args);
  }
  override hold(agentId: string) {
    return this.inner.hold(agentId);
  }
  override calm(agentId: string) {
    return this.inner.calm(agentId);
  }
  override survivors(agentId: string) {
    return this.inner.survivors(agentId);
  }
  override known() {
    return this.inner.known();
  }
  override remove(agentId: string) {
    return this.inner.remove(agentId);
  }
}

/** Does its second work item when its work is handed back. */
class Mending extends SessionRuntime {
  override open(...[task, host, memory]: Parameters<SessionRuntime['open']>): Backend {
    const backend = super.open(task, host, memory);
    const turn = backend.turn.bind(backend);
    backend.turn = (asked) => turn(isHandedBack(asked) ? { ...asked, input: task.workItems[1] } : asked);
    return backend;
  }
}

const isHandedBack = ({ input }: Turn) => input?.includes('a command that has to pass did not') === true;

describe('gates of a runtime that takes turns', () => {
  const session = { resolver: new ShellResolver(new Mending()) };

  const begin = async (script: string) => {
    const request = room.request(script);
    const args = { ...request.args, options: { session: 'mine' } };
    return (await agents.spawn({ ...request, args })).agentId;
  };
  const afterTurn = async (agentId: string, turn: number) => {
    const agent = await eventually(
      () => agents.get(agentId),
      ({ turns }) => turns?.last?.turn === turn,
    );
    return agent.turns?.last;
  };

  test('hand back what did not pass, and what is then mended completes', async () => {
    await open([wants('made')], {}, session);
    const agent = await ended('echo first', {}, 'worker', 'touch made; echo mended');
    expect(agent).toMatchObject({ state: 'completed', result: { gates: [{ passed: true }] } });
    expect(agent.result?.summary).toBe('first\n\nmended');
    expect((await agents.output(agent.agentId, 0, 5_000)).text).toMatch(/did not pass[^]*passed/);
  });

  test('hand back no more often than set', async () => {
    await open([sh('echo x >> /work/count; exit 1')], { handBacksMax: 3 }, session);
    const agent = await ended('echo first');
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'gate_failed' });
    expect((await agents.diff(agent.agentId)).text.match(/^\+x$/gm)).toHaveLength(4);
  });

  test('judge every turn of a session, and a turn that fails leaves it usable', async () => {
    await open([wants('made')], { handBacksMax: 0 }, session);
    const agentId = await begin('echo first');
    expect(await afterTurn(agentId, 1)).toMatchObject({ state: 'failed', exitReason: 'gate_failed' });
    await agents.send({ agentId, actor: admin, turnId: randomUUID(), input: 'touch made' });
    expect(await afterTurn(agentId, 2)).toMatchObject({ state: 'completed', result: { gates: [{ passed: true }] } });
    await inState(agents, agentId, 'running');
  });

  test('find room where a sandbox takes one program at a time, and the agent goes on after them', async () => {
    const sandboxes = (all: readonly Sandbox[]) => all.map((one) => new OneAtATime(one));
    await open([wants('made')], {}, { ...session, sandboxes });
    expect(await ended('echo first', {}, 'worker', 'touch made')).toMatchObject({
      state: 'completed',
      result: { gates: [{ passed: true }] },
    });
  });
});
