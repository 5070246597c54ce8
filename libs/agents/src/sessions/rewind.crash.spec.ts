// A spoke that dies in the middle of taking a session back: at its next start the session is wholly as before or wholly as wanted.
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

/** In order; before the intent is recorded nothing has happened, and from then on there is no way but on. */
const table = [
  ['before the intent', 'old'],
  ['after the intent', 'new'],
  ['before the checkpoint', 'new'],
  ['after the checkpoint', 'new'],
  ['amid the files', 'new'],
  ['after the files', 'new'],
  ['after the conversation', 'new'],
  ['before the end', 'new'],
  ['after the end', 'new'],
] as const;

/** Enough to be caught in the middle of them, where that matters. */
const countAt = (moment: string) => (moment.startsWith('amid') ? 2_000 : 20);

const states = {
  old: { taken: 2, files: () => ['new'], past: '2', events: 0 },
  new: {
    taken: 3,
    files: (count: number) => ['hello.txt', ...Array.from({ length: count }, (_, n) => `${n + 1}`)].sort(),
    past: '1',
    events: 1,
  },
};

describe('a spoke that is killed in the middle of a restore', () => {
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

  test.each(table)('[L-4] [W-1] %s: %s', async (moment, then) => {
    const count = countAt(moment);
    const child = spawn(process.execPath, [program, room.folder, room.repository, `${count}`, moment], {
      stdio: 'inherit',
    });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    if (moment === 'amid the files') expect(treeNow().length).toBeLessThan(states.new.files(count).length);
    const agents = await room.open({ resolver: new ShellResolver(new SessionRuntime()) });
    const agentId = (await agents.list({})).agents[0]?.agentId ?? '';
    const idle = () =>
      eventually(
        () => agents.get(agentId),
        ({ activity }) => activity === 'idle',
      );
    const { taken, files, past, events } = states[then];
    expect(await idle()).toMatchObject({ state: 'running', turns: { taken } });
    expect(treeNow()).toEqual(files(count));
    expect((await room.events()).filter(({ type }) => type === 'agent.restored')).toHaveLength(events);
    await agents.send({ agentId, actor: admin, turnId: randomUUID(), input: 'echo "$WRIT_PAST"' });
    const after = await eventually(
      () => agents.get(agentId),
      ({ turns }) => turns?.last?.turn === taken + 1,
    );
    expect(after.turns?.last?.result?.summary).toBe(past);
    if (then === 'old') return;
    await agents.restore({ agentId, actor: admin, turnId: randomUUID(), to: 3, reason: 'right after all' });
    expect(treeNow()).toEqual(states.old.files());
  });
});
