// The checkpoint of the next turn, made while the session rests: on real worktrees, in the strongest sandbox of this machine.
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { LocalAgents } from '#agents';
import { admin, cleaned, eventually, Room } from '../../../../test/support/agents.js';
import { GitStarts } from '../../../../test/support/git-starts.js';
import { requirement } from '../../../../test/support/require.js';
import { SessionRuntime } from '../../../../test/support/session-runtime.js';
import { ShellResolver } from '../../../../test/support/shell-runtime.js';
import { lookAt } from '../sandbox/trial.contract.js';

/** How long one checkpoint may take to be made and found, how many turns are tried for one, and what all of them take at most. */
const [readyMs, triesMax, patienceMs] = [6_000, 20, 150_000];

const levels = [await lookAt('namespace'), await lookAt('unshare')];
const walled = requirement(
  'namespaces',
  levels.some(({ ok }) => ok),
  '`apt-get install bubblewrap`',
);

describe('the checkpoint of the next turn', () => {
  let room: Room;
  let agents: LocalAgents;
  let agentId: string;
  let starts: GitStarts;

  beforeEach(async () => {
    room = await Room.make();
    starts = new GitStarts();
    agents = await room.open({ resolver: new ShellResolver(new SessionRuntime()) });
  });
  afterEach(async () => {
    await room.close();
    starts.close();
  });

  const begin = async (script: string) => {
    const request = room.request(script);
    ({ agentId } = await agents.spawn({ ...request, args: { ...request.args, options: { session: 'mine' } } }));
    await afterTurn(1);
  };

  const afterTurn = (turn: number) =>
    eventually(
      () => agents.get(agentId),
      ({ turns }) => turns?.last?.turn === turn,
    );

  const send = async (input: string): Promise<number> =>
    (await agents.send({ agentId, actor: admin, turnId: randomUUID(), input })).turn;

  const say = async (input: string): Promise<string | undefined> =>
    (await afterTurn(await send(input))).turns?.last?.result?.summary;

  const work = (path = '') => join(room.folder, 'worktrees', 'agents', agentId, 'tree', path);
  const restore = (to: number) =>
    agents.restore({ agentId, actor: admin, turnId: randomUUID(), to, reason: 'the wrong way' });
  const there = async () => (await agents.checkpoints(agentId)).map(({ turn, before }) => `${turn} ${before}`);

  /** The turn for which there is one. */
  const made = (): number => {
    const note = join(work('..'), 'checkpoints', 'note.json');
    const { ahead, turn } = JSON.parse(readFileSync(note, 'utf8')) as { ahead?: string; turn: number };
    return ahead === undefined ? 0 : turn;
  };

  /** Made, and found as it was made while nothing ran. */
  const isReady = (turn: number): Promise<boolean> =>
    eventually(
      () => Promise.resolve(made() === turn && starts.commands().at(-1) === 'ls-files' && starts.areOver()),
      (isSo) => isSo,
      readyMs,
    ).catch(() => false);

  /**
   * The first turn that has its checkpoint ahead. Where others come and go all the time nobody can be sure to have held an agent
   * still: then none is made, and the next turn, which does the same again, gives another chance.
   */
  const ready = async (again: string): Promise<number> => {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const turn = ((await agents.get(agentId)).turns?.last?.turn ?? 0) + 1;
      if (await isReady(turn)) return turn;
      await say(again);
    }
    throw new Error(`no checkpoint was made ahead of ${triesMax} turns`);
  };

  /** What git was started for before the first word of a turn. The turn goes on while it is asked. */
  const before = async (script: string): Promise<readonly string[]> => {
    starts.take();
    const turn = await send(`touch .git/up; until [ -e .git/go ]; do sleep 0.02; done; rm .git/up .git/go; ${script}`);
    await eventually(
      () => Promise.resolve(existsSync(work('.git/up'))),
      (isUp) => isUp,
    );
    const commands = starts.take();
    writeFileSync(work('.git/go'), '');
    await afterTurn(turn);
    return commands;
  };

  walled(
    'is there when the turn comes: of an agent that only slept no git is started, and it is the right one',
    async () => {
      const sleeps = 'echo one > a; (setsid sleep 1000 &)';
      await begin(sleeps);
      let begun: readonly string[] = ['not yet'];
      for (let tries = 0; tries < triesMax && begun.length > 0; tries += 1) {
        await ready(sleeps);
        begun = await before('echo "$(cat a) $WRIT_PAST" > b');
        expect(begun.join()).toMatch(/^(ls-files)?$/);
      }
      expect(begun).toEqual([]);
      await restore(2);
      expect([readFileSync(work('a'), 'utf8'), existsSync(work('b'))]).toEqual(['one\n', false]);
      expect(await say('echo "$WRIT_PAST"')).toBe('1');
    },
    patienceMs,
  );

  walled(
    'has what a process that slept wrote after it was made',
    async () => {
      const listens =
        'rm -f .git/bell; mkfifo .git/bell; (setsid sh -c "read x < .git/bell; echo late > late" >/dev/null 2>&1 &)';
      await begin(listens);
      const turn = await ready(listens);
      writeFileSync(work('.git/bell'), 'now\n');
      await eventually(
        () => Promise.resolve(existsSync(work('late')) && readFileSync(work('late'), 'utf8') === 'late\n'),
        (isThere) => isThere,
      );
      await say('rm late');
      await restore(turn);
      expect(readFileSync(work('late'), 'utf8')).toBe('late\n');
    },
    patienceMs,
  );

  test('has what a process writes all the time, up to the turn', async () => {
    const counting = 'i=0; while :; do i=$((i+1)); echo $i > new; mv new count; sleep 0.01; done';
    await begin(
      `(setsid sh -c "${counting.replaceAll('$', String.raw`\$`)}" >/dev/null 2>&1 &); until [ -s count ]; do :; done`,
    );
    const counted = () => Number(readFileSync(work('count'), 'utf8'));
    // On a busy machine nobody can be sure to have held such a one still: then it is made at the turn, of what has ended.
    await eventually(
      () => Promise.resolve(made() === 2),
      (isMade) => isMade,
      4_000,
    ).catch(() => undefined);
    const since = counted();
    await eventually(
      () => Promise.resolve(counted()),
      (now) => now > since,
    );
    await say('true');
    const after = counted();
    await restore(2);
    expect(counted()).toBeGreaterThan(since);
    expect(counted()).toBeLessThanOrEqual(after);
  });

  walled(
    '[L-4] is found again after a restart, proven with one start of git; what was changed meanwhile is in it',
    async () => {
      await begin('echo one > a');
      await ready('echo one > a');
      await agents.close();
      agents = await room.open({ resolver: new ShellResolver(new SessionRuntime()) });
      expect(await before('echo two > a')).toEqual(['ls-files']);
      const turn = await ready('echo two > a');
      await agents.close();
      writeFileSync(work('a'), 'by hand\n');
      agents = await room.open({ resolver: new ShellResolver(new SessionRuntime()) });
      expect(await say('cat a; rm a')).toBe('by hand');
      await restore(turn);
      expect(readFileSync(work('a'), 'utf8')).toBe('by hand\n');
      const turns = Array.from({ length: turn }, (_, n) => `${n + 1} turn`);
      expect(await there()).toEqual([...turns, `${turn + 1} restore`]);
    },
    patienceMs,
  );

  test('[P-6] is no obstacle while it is being made: to a turn, a restore, a close or a kill', async () => {
    await begin('head -c 4000000 /dev/urandom > big');
    expect(await say('wc -c < big; rm big; head -c 4000000 /dev/urandom > other')).toBe('4000000');
    await restore(2);
    expect(readdirSync(work()).sort()).toEqual(['.git', 'big', 'hello.txt']);
    await say('head -c 4000000 /dev/urandom > big');
    const close = agents.closeSession({ agentId, actor: admin, reason: 'enough', force: false });
    await expect(close).rejects.toMatchObject({ detail: expect.stringMatching(/At risk/) });
    expect(await say('head -c 4000000 /dev/urandom > big; echo on')).toBe('on');
    await agents.kill(agentId, admin, 'enough');
    expect((await cleaned(agents, agentId)).cleanup).toMatchObject({ worktree: { outcome: 'done' } });
    await eventually(
      () => Promise.resolve(starts.areOver()),
      (areOver) => areOver,
    );
  });
});
