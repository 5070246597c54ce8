// A spoke that dies while the checkpoint of the next turn is made ahead, or when it begins to count: at its next start each checkpoint in the
// list is whole, and the next turn has its own.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { admin, eventually, Room } from '../../../../test/support/agents.js';
import { SessionRuntime } from '../../../../test/support/session-runtime.js';
import { ShellResolver } from '../../../../test/support/shell-runtime.js';

const top = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const program = join(top, 'dist/test/support/rewind-child.js');
const count = 20;
const files = ['hello.txt', ...Array.from({ length: count }, (_, n) => `${n + 1}`)].sort();

/** In order: the moment, how many turns have begun by then, and before which of them there is a checkpoint. */
const table = [
  ['before the next checkpoint', 1, [1]],
  ['amid the next checkpoint', 1, [1]],
  ['after the next checkpoint', 1, [1]],
  ['before its count', 2, [1]],
  ['after its count', 2, [1, 2]],
] as const;

describe('a spoke that is killed around a checkpoint that was made ahead', () => {
  let room: Room;

  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(() => room.close());

  const treeNow = () => {
    const all = join(room.folder, 'worktrees', 'agents');
    const names = readdirSync(join(all, readdirSync(all)[0] ?? '', 'tree'));
    return names.filter((name) => name !== '.git').sort();
  };

  test.each(table)('[L-4] %s', async (moment, taken, kept) => {
    const child = spawn(process.execPath, [program, room.folder, room.repository, `${count}`, moment], {
      stdio: 'inherit',
    });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    const agents = await room.open({ resolver: new ShellResolver(new SessionRuntime()) });
    const agentId = (await agents.list({})).agents[0]?.agentId ?? '';
    const idle = await eventually(
      () => agents.get(agentId),
      ({ activity }) => activity === 'idle',
    );
    expect(idle).toMatchObject({ state: 'running', turns: { taken } });
    expect(await agents.checkpoints(agentId)).toMatchObject(kept.map((turn) => ({ turn, before: 'turn' })));
    const say = async (input: string) => {
      const { turn } = await agents.send({ agentId, actor: admin, turnId: randomUUID(), input });
      const after = await eventually(
        () => agents.get(agentId),
        ({ turns }) => turns?.last?.turn === turn,
      );
      return after.turns?.last?.result?.summary;
    };
    await say('rm [0-9]*; echo new > new');
    expect(treeNow()).toEqual(['hello.txt', 'new']);
    for (const to of [...kept.slice(1), taken + 1]) {
      await agents.restore({ agentId, actor: admin, turnId: randomUUID(), to, reason: 'the wrong way' });
      expect(treeNow()).toEqual(files);
    }
    expect(await say('echo "$WRIT_PAST"')).toBe('1');
  });
});
