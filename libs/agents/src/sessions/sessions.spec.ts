import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AgentsOptionsInput, LocalAgents } from '#agents';
import type { AgentResource } from '#protocol';
import { admin, cleaned, eventually, inState, Room } from '../../../../test/support/agents.js';
import { running } from '../../../../test/support/processes.js';
import { SessionBackend, SessionRuntime } from '../../../../test/support/session-runtime.js';
import { ShellResolver } from '../../../../test/support/shell-runtime.js';

describe('a session', () => {
  let room: Room;

  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(() => room.close());

  const open = (options: Partial<AgentsOptionsInput> = {}) =>
    room.open({ resolver: new ShellResolver(new SessionRuntime()), options });

  const begin = async (agents: LocalAgents, script: string, limits = {}): Promise<string> => {
    const request = room.request(script, { limits });
    const options = { ...request.args.options, session: 'mine' };
    return (await agents.spawn({ ...request, args: { ...request.args, options } })).agentId;
  };

  const afterTurn = (agents: LocalAgents, agentId: string, turn: number): Promise<AgentResource> =>
    eventually(
      () => agents.get(agentId),
      ({ turns }) => turns?.last?.turn === turn,
    );

  const send = (agents: LocalAgents, agentId: string, input: string, turnId: string = randomUUID()) =>
    agents.send({ agentId, actor: admin, turnId, input });

  const close = (agents: LocalAgents, agentId: string, force = false) =>
    agents.closeSession({ agentId, actor: admin, reason: 'enough', force });

  const until = (agents: LocalAgents, agentId: string, bytes: number) =>
    eventually(
      () => agents.get(agentId),
      ({ outputBytes }) => outputBytes >= bytes,
    );

  test('stays running and idle after its first turn, takes others, and ends when it is closed', async () => {
    const agents = await open();
    const agentId = await begin(agents, 'echo one');
    const first = await afterTurn(agents, agentId, 1);
    expect(first).toMatchObject({ state: 'running', activity: 'idle', turns: { taken: 1, last: { turnId: agentId } } });
    const turnId = randomUUID();
    expect(await send(agents, agentId, 'echo two', turnId)).toEqual({ agentId, turnId, turn: 2 });
    const second = await afterTurn(agents, agentId, 2);
    expect(second.turns?.last).toMatchObject({ turnId, state: 'completed', result: { summary: 'two' } });
    expect(await close(agents, agentId)).toMatchObject({ state: 'completed', exitReason: 'closed' });
    const { cleanup } = await cleaned(agents, agentId);
    expect(cleanup).toMatchObject({ sandbox: { outcome: 'done' }, worktree: { outcome: 'done' } });
    const told = (await room.events()).filter(({ type }) => type === 'agent.turn').map(({ data }) => data);
    expect(told.map((data) => 'activity' in data && data.activity)).toEqual(['busy', 'idle', 'busy', 'idle']);
  });

  test('a turn while another is on is refused, one of an agent without a session too', async () => {
    const agents = await open();
    const agentId = await begin(agents, 'echo up; sleep 60');
    await until(agents, agentId, 3);
    await expect(send(agents, agentId, 'true')).rejects.toMatchObject({ code: 'invalid_transition' });
    await expect(close(agents, agentId)).rejects.toMatchObject({ code: 'invalid_transition' });
    const { agentId: single } = await agents.spawn(room.request('echo up; sleep 60'));
    await inState(agents, single, 'running');
    await expect(send(agents, single, 'true')).rejects.toMatchObject({ code: 'invalid_transition' });
  });

  test('[S-8] the same turn sent twice is done once; with another input it is refused', async () => {
    const agents = await open();
    const agentId = await begin(agents, 'true');
    await afterTurn(agents, agentId, 1);
    const turnId = randomUUID();
    const both = [send(agents, agentId, 'echo x >> twice', turnId), send(agents, agentId, 'echo x >> twice', turnId)];
    const [one, other] = await Promise.all(both);
    expect(one).toEqual(other);
    await afterTurn(agents, agentId, 2);
    expect(await send(agents, agentId, 'echo x >> twice', turnId)).toEqual(one);
    await expect(send(agents, agentId, 'rm twice', turnId)).rejects.toMatchObject({ code: 'idk_conflict' });
    await send(agents, agentId, 'cat twice');
    expect((await afterTurn(agents, agentId, 3)).turns?.last?.result?.summary).toBe('x');
  });

  test('a turn that fails leaves the session usable', async () => {
    const agents = await open();
    const agentId = await begin(agents, 'exit 3');
    expect(await afterTurn(agents, agentId, 1)).toMatchObject({
      state: 'running',
      turns: { last: { state: 'failed' } },
    });
    await send(agents, agentId, 'echo better');
    expect((await afterTurn(agents, agentId, 2)).turns?.last).toMatchObject({ state: 'completed' });
  });

  test('[P-6] a close with work that is nowhere else is refused with what it is; forced, the work is kept', async () => {
    const agents = await open();
    const agentId = await begin(
      agents,
      'git add -A; echo new > new.txt; echo changed > hello.txt; git add hello.txt; git -c user.name=A -c user.email=a@example.org commit -qm changed',
    );
    await afterTurn(agents, agentId, 1);
    const refused = await close(agents, agentId).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'invalid_transition', field: 'force' });
    expect(String(refused)).toMatch(
      /1 files that are not committed, 1 commits that no branch .* and 1 commits that are not merged/,
    );
    await send(agents, agentId, 'cat new.txt');
    expect((await afterTurn(agents, agentId, 2)).turns?.last?.result?.summary).toBe('new');
    const closed = await close(agents, agentId, true);
    expect(closed).toMatchObject({ state: 'completed', result: { changes: { files: 2 } } });
    await cleaned(agents, agentId);
    expect((await agents.diff(agentId)).text).toContain('+changed');
    expect(await close(agents, agentId)).toMatchObject({ state: 'completed' });
  });

  test('[P-6] a close by force while a turn is on ends what is at work before the worktree goes, and keeps the work', async () => {
    const agents = await open();
    const mark = `86${Date.now() % 1e8}`;
    const agentId = await begin(agents, `echo work > work.txt; setsid sleep ${mark} & echo up; sleep ${mark}`);
    await until(agents, agentId, 3);
    expect(running(mark).length).toBeGreaterThan(0);
    expect(await close(agents, agentId, true)).toMatchObject({
      exitReason: 'closed',
      result: { changes: { files: 1 } },
    });
    expect(running(mark)).toEqual([]);
    const { cleanup } = await cleaned(agents, agentId);
    expect(cleanup).toMatchObject({ sandbox: { outcome: 'done' }, worktree: { outcome: 'done' } });
    expect((await agents.diff(agentId)).text).toContain('+work');
  });

  test('[P-11] a kill during a turn ends all, and what the turn still says settles nothing', async () => {
    const agents = await open({ graceMs: 2_000 });
    const late = "trap 'sleep 0.3; echo ENDED late 0' TERM; echo up; while :; do sleep 0.05; done";
    const agentId = await begin(agents, late);
    await until(agents, agentId, 3);
    await agents.kill(agentId, admin, 'enough');
    const killed = await agents.get(agentId);
    expect(killed).toMatchObject({ state: 'killed', turns: { taken: 1 } });
    expect(killed.activity).toBeUndefined();
    expect(killed.turns?.current ?? killed.turns?.last).toBeUndefined();
    await expect(send(agents, agentId, 'true')).rejects.toMatchObject({ code: 'invalid_transition' });
  });

  test('what its runtime still says after the clean-up is not written down', async () => {
    const [over, said] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const runtime = new SessionRuntime();
    const open = runtime.open.bind(runtime);
    runtime.open = (...args) => {
      const backend = open(...args);
      const turn = backend.turn.bind(backend);
      backend.turn = async (wish) => {
        const outcome = await turn(wish);
        await over.promise;
        said.resolve(undefined);
        return outcome;
      };
      return backend;
    };
    const agents = await room.open({ resolver: new ShellResolver(runtime) });
    const agentId = await begin(agents, 'echo up; sleep 60');
    await until(agents, agentId, 3);
    await agents.kill(agentId, admin, 'enough');
    await cleaned(agents, agentId);
    over.resolve(undefined);
    await said.promise;
    await pause(300);
    expect(await readdir(join(room.folder, 'agents', 'sessions')).catch(() => [])).toEqual([]);
  });

  test('survives a restart between its turns, with worktree and memory', async () => {
    const before = await open();
    const agentId = await begin(before, 'echo kept > kept.txt');
    await afterTurn(before, agentId, 1);
    const folder = join(room.folder, 'agents', 'sessions');
    expect((await stat(join(folder, `${agentId}.json`))).mode & 0o777).toBe(0o600);
    await before.close();
    const agents = await open();
    expect(await agents.get(agentId)).toMatchObject({ state: 'running', activity: 'idle' });
    await send(agents, agentId, 'echo "$WRIT_PAST $(cat kept.txt)"');
    expect((await afterTurn(agents, agentId, 2)).turns?.last?.result?.summary).toBe('1 kept');
    await close(agents, agentId, true);
    await cleaned(agents, agentId);
    expect(await readdir(folder)).toEqual([]);
  });

  test('[L-12] a shutdown in the middle of a turn fails the turn, not the session', async () => {
    const before = await open();
    const agentId = await begin(before, 'true');
    await afterTurn(before, agentId, 1);
    await send(before, agentId, 'echo up; sleep 60');
    await until(before, agentId, 3);
    await before.close();
    const agents = await open();
    const agent = await agents.get(agentId);
    expect(agent).toMatchObject({ state: 'running', activity: 'idle' });
    expect(agent.turns?.last).toMatchObject({ turn: 2, state: 'failed', exitReason: 'shutdown' });
    await send(agents, agentId, 'echo on');
    expect((await afterTurn(agents, agentId, 3)).turns?.last?.result?.summary).toBe('on');
    await until(agents, agentId, 6);
    expect((await agents.output(agentId, 0, 1_000)).text).toBe('up\non\n');
  });

  test('a turn finds its backend warm; beyond the cap one is let go and made anew from what it remembered', async () => {
    const agents = await open({ pool: { warmMax: 1 } });
    const [one, other] = [await begin(agents, 'echo one'), await begin(agents, 'echo other')];
    await Promise.all([afterTurn(agents, one, 1), afterTurn(agents, other, 1)]);
    const before = SessionBackend.starts;
    await send(agents, one, 'echo "$WRIT_PAST"');
    expect((await afterTurn(agents, one, 2)).turns?.last?.result?.summary).toBe('1');
    await send(agents, one, 'echo "$WRIT_PAST"');
    expect((await afterTurn(agents, one, 3)).turns?.last?.result?.summary).toBe('2');
    expect(SessionBackend.starts - before).toBeLessThanOrEqual(1);
    await send(agents, other, 'echo "$WRIT_PAST"');
    expect((await afterTurn(agents, other, 2)).turns?.last?.result?.summary).toBe('1');
    expect(agents.pool()).toMatchObject({ max: 1, entries: [{ key: { agentId: other } }] });
    await agents.kill(other, admin, 'enough');
    expect(agents.pool().entries).toEqual([]);
  });

  test('its wall time counts its turns, not the time between them', async () => {
    const agents = await open();
    const agentId = await begin(agents, 'true', { wallMs: 4_000 });
    await afterTurn(agents, agentId, 1);
    const idleSince = performance.now();
    await eventually(
      async () => performance.now() - idleSince,
      (ms) => ms > 4_100,
    );
    expect(await agents.get(agentId)).toMatchObject({ state: 'running', activity: 'idle' });
    await send(agents, agentId, 'sleep 60');
    expect(await inState(agents, agentId, 'failed')).toMatchObject({ exitReason: 'wall_time' });
  });

  test('ends by itself when its time is over', async () => {
    const agents = await open({ sessionTtlMs: 1_000 });
    const agentId = await begin(agents, 'echo one');
    expect(await inState(agents, agentId, 'completed')).toMatchObject({ exitReason: 'expired' });
  });

  test('a conversation that outgrows its bound fails the session instead of being forgotten', async () => {
    const agents = await open({ sessionBytesMax: 1_024 });
    const agentId = await begin(agents, `echo ${'x'.repeat(1_100)}`);
    const failed = await inState(agents, agentId, 'failed');
    expect(failed.reason).toMatch(/outgrown 1024 bytes/);
  });

  test('the files of a session hold what its runtime remembers and nothing else', async () => {
    const agents = await open();
    const agentId = await begin(agents, 'echo one');
    await afterTurn(agents, agentId, 1);
    const text = await readFile(join(room.folder, 'agents', 'sessions', `${agentId}.json`), 'utf8');
    expect(JSON.parse(text)).toEqual(['echo one']);
  });
});
