// Checkpoints of sessions and the way back, on real worktrees in the strongest sandbox of this machine.
import { randomUUID } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AgentsOptionsInput, LocalAgents, Sandbox } from '#agents';
import type { AgentResource } from '#protocol';
import { admin, cleaned, eventually, Room, type RoomOptions } from '../../../../test/support/agents.js';
import { StubbornSandbox } from '../../../../test/support/faults.js';
import { SessionBackend, SessionRuntime } from '../../../../test/support/session-runtime.js';
import { ShellResolver } from '../../../../test/support/shell-runtime.js';

/** Counts in the first file that is read and in the last, and turns one between them into a link to what it is told, and back, as fast as it can. */
const restless = `
const fs = require('node:fs');
const [secret] = process.argv.slice(2);
fs.mkdirSync('.git/restless');
const put = (path, make) => { make('.git/restless/new'); fs.renameSync('.git/restless/new', path); };
for (let i = 0; ; i++) {
  put('a', (path) => fs.writeFileSync(path, String(i)));
  put('link', (path) => fs.symlinkSync(secret, path));
  put('link', (path) => fs.writeFileSync(path, 'harmless'));
  put('z', (path) => fs.writeFileSync(path, String(i)));
}`;

describe('checkpoints of a session', () => {
  let room: Room;
  let agents: LocalAgents;
  let agentId: string;

  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(() => room.close());

  const open = async (options: Partial<AgentsOptionsInput> = {}, more: RoomOptions = {}) =>
    (agents = await room.open({ resolver: new ShellResolver(new SessionRuntime()), options, ...more }));

  const begin = async (script: string) => {
    const request = room.request(script);
    const options = { ...request.args.options, session: 'mine' };
    ({ agentId } = await agents.spawn({ ...request, args: { ...request.args, options } }));
    await afterTurn(1);
  };

  const afterTurn = (turn: number): Promise<AgentResource> =>
    eventually(
      () => agents.get(agentId),
      ({ turns }) => turns?.last?.turn === turn,
    );

  const say = async (input: string): Promise<string | undefined> => {
    const { turn } = await agents.send({ agentId, actor: admin, turnId: randomUUID(), input });
    return (await afterTurn(turn)).turns?.last?.result?.summary;
  };

  const restore = (to: number, turnId: string = randomUUID()) =>
    agents.restore({ agentId, actor: admin, turnId, to, reason: 'the wrong way' });

  const there = async () => (await agents.checkpoints(agentId)).map(({ turn, before }) => `${turn} ${before}`);
  const work = (path = '') => join(room.folder, 'worktrees', 'agents', agentId, 'tree', path);
  const told = async () => (await room.events()).filter(({ type }) => type === 'agent.restored');

  test('one is made before each turn, the first included, with files and conversation, and the warm backend stays', async () => {
    await open();
    const before = SessionBackend.starts;
    await begin('echo one > a');
    await say('echo two > a; echo more > b');
    await say('true');
    expect(SessionBackend.starts - before).toBe(1);
    expect(await agents.checkpoints(agentId)).toMatchObject([
      { turn: 1, before: 'turn' },
      { turn: 2, before: 'turn' },
      { turn: 3, before: 'turn' },
    ]);
    expect((await agents.checkpoints(agentId)).some(({ missing }) => missing)).toBe(false);
  });

  test('goes back to before a turn and on from there: files, conversation, numbers that only grow, an event', async () => {
    await open();
    await begin('echo one > a');
    await say('echo two > a; echo more > b; rm hello.txt');
    await say('echo three > a');
    const turnId = randomUUID();
    expect(await restore(2, turnId)).toEqual({ agentId, turnId, turn: 4, to: 2, left: 0 });
    expect(readdirSync(work()).sort()).toEqual(['.git', 'a', 'hello.txt']);
    expect(readFileSync(work('a'), 'utf8')).toBe('one\n');
    expect(await agents.get(agentId)).toMatchObject({ activity: 'idle', turns: { taken: 4, last: { turn: 3 } } });
    expect(await say('echo "$WRIT_PAST $(cat a)"')).toBe('1 one');
    expect((await agents.get(agentId)).turns?.taken).toBe(5);
    expect(await there()).toEqual(['1 turn', '2 turn', '3 turn', '4 restore', '5 turn']);
    expect(await told()).toMatchObject([{ subject: agentId, data: { turnId, turn: 4, to: 2, left: 0, actor: admin } }]);
    await restore(4);
    expect(await say('echo "$WRIT_PAST $(cat a b)"')).toBe('3 three\nmore');
  });

  test('[S-8] the same restore sent twice, at once or later, is done once; with another turn it is refused', async () => {
    await open();
    await begin('echo one > a');
    await say('echo two > a');
    const turnId = randomUUID();
    const [one, other] = await Promise.all([restore(2, turnId), restore(2, turnId)]);
    expect(other).toEqual(one);
    await say('echo since > since');
    expect(await restore(2, turnId)).toEqual(one);
    expect(readFileSync(work('since'), 'utf8')).toBe('since\n');
    await expect(restore(1, turnId)).rejects.toMatchObject({ code: 'idk_conflict' });
    expect(await told()).toHaveLength(1);
  });

  test('[P-11] while a turn is on it is refused, and while it is on a turn and a close are', async () => {
    await open();
    await begin('echo one > a');
    await agents.send({ agentId, actor: admin, turnId: randomUUID(), input: 'echo up; sleep 60' });
    await eventually(
      () => agents.get(agentId),
      ({ outputBytes }) => outputBytes > 2,
    );
    await expect(restore(1)).rejects.toMatchObject({
      code: 'invalid_transition',
      detail: expect.stringMatching(/busy with turn 2/),
    });
    await agents.kill(agentId, admin, 'enough');
    await begin('head -c 16000000 /dev/urandom > big');
    const going = restore(1);
    await eventually(
      () => agents.get(agentId),
      ({ activity }) => activity === 'busy',
    );
    await expect(say('true')).rejects.toMatchObject({
      code: 'invalid_transition',
      detail: expect.stringMatching(/being restored/),
    });
    await expect(restore(1)).rejects.toMatchObject({ code: 'invalid_transition' });
    const close = agents.closeSession({ agentId, actor: admin, reason: 'enough', force: false });
    await expect(close).rejects.toMatchObject({ code: 'invalid_transition' });
    await going;
    expect(await say('ls')).toBe('hello.txt');
  });

  test('[P-6] a close by force, or a kill, in the middle of a restore waits for it, and the work is kept', async () => {
    await open();
    await begin('head -c 8000000 /dev/urandom > big');
    const going = restore(1).catch((error: unknown) => error);
    await eventually(
      () => agents.get(agentId),
      ({ activity }) => activity === 'busy',
    );
    await agents.kill(agentId, admin, 'enough');
    expect((await cleaned(agents, agentId)).cleanup).toMatchObject({ worktree: { outcome: 'done' } });
    await going;
    expect(await agents.checkpoints(agentId)).toEqual([]);
  });

  test('there is none before a turn that never was, and none of an agent that keeps no session', async () => {
    await open();
    await begin('true');
    await expect(restore(7)).rejects.toMatchObject({
      code: 'not_found',
      detail: expect.stringMatching(/those before 1\./),
    });
    const { agentId: single } = await agents.spawn(room.request('sleep 60'));
    expect(await agents.checkpoints(single)).toEqual([]);
    await expect(agents.checkpoints(single, 'another hub')).rejects.toMatchObject({ code: 'not_found' });
    const other = { agentId, owner: 'another hub', actor: admin, turnId: randomUUID(), to: 1, reason: 'mine?' };
    await expect(agents.restore(other)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('[W-4] what an agent writes all the time is held still for the look: one moment is kept, and nothing that a link names', async () => {
    await open();
    const secret = join(room.folder, 'secret');
    writeFileSync(secret, 'of the host');
    const script = Buffer.from(restless).toString('base64');
    await begin(`echo ${script} | base64 -d > restless.cjs; echo no > link; setsid node restless.cjs ${secret} >/dev/null 2>&1 &
      until [ -s z ]; do :; done`);
    for (let turn = 2; turn < 6; turn++) await say('head -c 5000000 /dev/urandom > middle');
    const kept = (await agents.checkpoints(agentId)).filter(({ turn, missing }) => turn > 2 && missing === undefined);
    expect(kept.length).toBeGreaterThan(0);
    for (const { turn } of kept) {
      await restore(turn);
      expect([0, 1]).toContain(Number(readFileSync(work('a'))) - Number(readFileSync(work('z'))));
      const isPlain = lstatSync(work('link')).isFile();
      expect(isPlain ? readFileSync(work('link'), 'utf8') : '').not.toContain('of the host');
    }
  });

  test('an agent that cannot be held still loses its backend instead, and nothing else', async () => {
    class Restless extends StubbornSandbox {
      override hold(): Promise<null> {
        return Promise.resolve(null);
      }
    }
    const sandboxes = (all: readonly Sandbox[]) => all.map((one) => new Restless(one, new Set()));
    await open({}, { sandboxes });
    const before = SessionBackend.starts;
    await begin('echo one > a; (setsid sleep 1000 &)');
    expect(await say('echo "$WRIT_PAST $(cat a)"')).toBe('1 one');
    expect(SessionBackend.starts - before).toBe(2);
    expect(await there()).toEqual(['1 turn']);
  });

  test('none are made where none are wanted, and turns go on', async () => {
    await open({}, { checkpoints: { keptMax: 0, bytesMax: 2 ** 30 } });
    await begin('echo one > a');
    expect(await say('cat a')).toBe('one');
    expect(await there()).toEqual([]);
    await expect(restore(1)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a turn whose state is too large to be kept is taken all the same, and the list says why there is none', async () => {
    await open({}, { checkpoints: { keptMax: 20, bytesMax: 2 ** 20 } });
    await begin('truncate -s 4T huge');
    expect(await say('rm huge; echo on')).toBe('on');
    expect(await agents.checkpoints(agentId)).toMatchObject([
      { turn: 1 },
      { turn: 2, missing: expect.stringMatching(/larger/) },
    ]);
    await expect(restore(2)).rejects.toMatchObject({ code: 'not_found', detail: expect.stringMatching(/larger/) });
    await say('truncate -s 4T huge');
    await expect(restore(1)).rejects.toMatchObject({
      code: 'invalid_transition',
      detail: expect.stringMatching(/nothing was changed/),
    });
    expect(await agents.get(agentId)).toMatchObject({ activity: 'idle', turns: { taken: 3 } });
    expect(await say('rm huge; echo on')).toBe('on');
  });
});
