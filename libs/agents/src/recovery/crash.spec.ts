import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AgentResource } from '#protocol';
import { openSandboxes } from '../sandbox/open.js';
import { cleaned, Room } from '../../../../test/support/agents.js';
import { running } from '../../../../test/support/processes.js';

const run = promisify(execFile);
const top = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const program = join(top, 'dist/test/support/crash-child.js');

/** The way of a run, in order. What comes after a restart hangs on how far it had come, and on nothing else. */
const way = [
  ['the commit of agent.spawned', 'nothing', 'goes on'],
  ['the commit of the phase worktree', 'goes on', 'failed'],
  ['the making of the worktree', 'failed', 'failed'],
  ['the commit of the phase sandbox', 'failed', 'failed'],
  ['the launch', 'failed', 'failed'],
  ['the commit of agent.running', 'failed', 'failed'],
  ['the commit of agent.output', 'failed', 'failed'],
  ['the stop of the sandbox', 'failed', 'failed'],
  ['the harvest', 'failed', 'failed'],
  ['the commit of agent.completed', 'failed', 'completed'],
  ['the removal of the sandbox', 'completed', 'completed'],
  ['the removal of the worktree', 'completed', 'completed'],
  ['the commit of agent.cleanup', 'completed', 'completed'],
] as const;

/** From here on the agent's file is there and must not be lost. */
const written = way.findIndex(([step]) => step === 'the commit of agent.output');
const table = way.flatMap(([step, before, after], place) => [
  { moment: `before ${step}`, then: before, hasWork: place >= written },
  { moment: `after ${step}`, then: after, hasWork: place >= written },
]);
const ends = {
  'goes on': { state: 'completed' },
  completed: { state: 'completed' },
  failed: { state: 'failed', exitReason: 'spoke_restarted', actor: { kind: 'system' } },
} as const;

describe('a spoke that is killed in the middle of a run', () => {
  let room: Room;

  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(() => room.close());

  /** An agent that leaves a file, a line of output and a process behind; the spoke dies at that moment. */
  const killedAt = async (moment: string, mark: string): Promise<void> => {
    const script = `echo made > made.txt; echo made; setsid sleep ${mark} > /dev/null 2>&1 & exit 0`;
    const child = spawn(process.execPath, [program, room.folder, room.repository, script, moment], {
      stdio: 'inherit',
    });
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  };

  const kept = async (agentId: string): Promise<string> => {
    const [mirror = ''] = await readdir(join(room.folder, 'worktrees', 'mirrors'));
    const gitDir = join(room.folder, 'worktrees', 'mirrors', mirror);
    return (await run('git', ['--git-dir', gitDir, 'show', `refs/writ/kept/${agentId}:made.txt`])).stdout;
  };

  const nothingIsLeft = async (mark: string): Promise<void> => {
    expect(await readdir(join(room.folder, 'worktrees', 'agents')).catch(() => [])).toEqual([]);
    const { all } = await openSandboxes({ stateDir: join(room.folder, 'sandboxes'), allowNone: true });
    expect((await Promise.all(all.map((sandbox) => sandbox.known()))).flat()).toEqual([]);
    expect(await room.store.list(['agents', 'lease'])).toEqual([]);
    expect(running(`sleep ${mark}`)).toEqual([]);
  };

  const told = async (agent: AgentResource): Promise<void> => {
    const types = (await room.events()).map(({ type }) => type);
    for (const once of ['agent.spawned', `agent.${agent.state}`, 'agent.cleanup'])
      expect([once, types.filter((type) => type === once)]).toEqual([once, [once]]);
  };

  test.each(table)('[L-11] [L-12] [K-2] $moment: $then', async ({ moment, then, hasWork }) => {
    const mark = String(randomInt(1_000_000, 100_000_000));
    await killedAt(moment, mark);
    const agents = await room.open();
    const [{ agentId } = { agentId: '' }] = (await agents.list({})).agents;
    expect(agentId === '').toBe(then === 'nothing');
    if (then !== 'nothing') {
      const agent = await cleaned(agents, agentId);
      expect(agent).toMatchObject({ ...ends[then], cleanup: { lease: { outcome: 'done' } } });
      if (hasWork) expect(await kept(agentId)).toBe('made\n');
      await told(agent);
    }
    expect(await agents.live()).toBe(0);
    await nothingIsLeft(mark);
  });
});
