// Agents that try to outlive their kill by every means that has worked elsewhere, on both sandboxes with walls, through the whole way
// of a spawn and a kill. What they leave is counted from outside: processes, namespaces, containers, mounts, sockets, groups, folders.
import { afterAll, afterEach, beforeEach, describe, expect } from '@jest/globals';
import Docker from 'dockerode';
import { randomInt } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { works } from '../support/agent-machine.js';
import { Room } from '../support/agents.js';
import { openEngine } from '../support/docker.js';
import { escapes } from '../support/escapes.js';
import { root } from '../support/instance.js';
import { descriptors, entries, groups, mounts, sockets, traces } from '../support/leftovers.js';
import { requirement } from '../support/require.js';
import { soak } from '../support/soak.js';
import { until } from '../support/until.js';

const rounds = soak ? 1_000 : 50;
const width = 4;
const timeMs = soak ? 3_600_000 : 240_000;
/** In use after all garbage is gone: what the first rounds hold for the last ones too, and a little for what is remembered of each. */
const breathBytes = 8 * 2 ** 20;

const { engine, missing } = await openEngine();
afterAll(() => engine?.close());

interface Round {
  readonly agentId?: string;
  readonly error?: string;
  readonly usedBytes?: number;
}

/** The agents under trial, in their own process. */
class Spoke {
  private readonly waiting: ((round: Round) => void)[] = [];
  readonly agentIds: string[] = [];

  private constructor(readonly process: ChildProcess) {}

  static async open(room: Room, level: string, options: object): Promise<Spoke> {
    const child = join(root, 'dist/test/support/escape-child.js');
    const args = ['--expose-gc', child, room.folder, room.repository, level, JSON.stringify(options)];
    const spoke = new Spoke(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    const ready = new Promise<Round>((resolve) => spoke.waiting.push(resolve));
    const lines = createInterface({ input: spoke.process.stdout! });
    lines.on('line', (line) => spoke.waiting.shift()?.(JSON.parse(line) as Round));
    await ready;
    return spoke;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** One agent from its spawn to its clean-up. */
  async round(script: string): Promise<Round> {
    const done = new Promise<Round>((resolve) => this.waiting.push(resolve));
    this.process.stdin!.write(`${JSON.stringify(script)}\n`);
    const round = await done;
    if (round.agentId) this.agentIds.push(round.agentId);
    return round;
  }

  async close(): Promise<void> {
    const exit = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await exit;
  }
}

describe('agents that try to outlive their kill', () => {
  let room: Room;
  let spoke: Spoke;
  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(async () => {
    await spoke.close();
    await room.close();
  });

  const left = (mark: string) => ({
    processes: traces(mark, room.folder),
    mounts: mounts(room.folder),
    sockets: sockets(room.folder),
    groups: groups(spoke.agentIds),
    folders: entries(room.folder, ['worktrees/agents', 'worktrees/trash', 'sandboxes/namespace', 'sandboxes/docker']),
  });
  const nothing = { processes: [], mounts: [], sockets: [], groups: [], folders: [] };

  const play = async (level: 'namespace' | 'docker', more: object = {}) => {
    const options = { stateDir: join(room.folder, 'sandboxes'), spokeId: room.folder, ...more };
    const mark = String(randomInt(1e9, 2e9));
    const scripts = escapes(mark);
    spoke = await Spoke.open(room, level, options);
    const one = async (n: number) => {
      const [name = '', script = ''] = scripts[n % scripts.length] ?? [];
      const gone = { survivors: 0, failed: [], state: 'killed' };
      const cleanup = { sandbox: { outcome: 'done' }, worktree: { outcome: 'done' }, lease: { outcome: 'done' } };
      expect([name, await spoke.round(script)]).toMatchObject([name, { ...gone, cleanup }]);
    };
    let next = 0;
    const through = async (end: number) => {
      const lane = async () => {
        while (next < end) await one(next++);
      };
      await Promise.all(Array.from({ length: width }, lane));
    };
    const first = through(scripts.length);
    await until('they can be seen at all', () => traces(mark, room.folder).length > scripts.length, timeMs);
    await first;
    const before = descriptors(spoke.pid);
    const begun = performance.now();
    const held: number[] = [];
    for (let part = 1; part <= 10; part++) {
      await through(scripts.length + Math.round(((rounds - scripts.length) * part) / 10));
      held.push((await spoke.round('')).usedBytes ?? NaN);
    }
    const secondsPerRound = (performance.now() - begun) / 1_000 / (rounds - scripts.length);
    expect(left(mark)).toEqual(nothing);
    await until('descriptors are closed', () => descriptors(spoke.pid) <= before);
    const mebibytes = held.map((bytes) => Math.round(bytes / 2 ** 20));
    process.stdout.write(
      `${rounds} escapes from ${level}: ${(secondsPerRound * 1_000).toFixed(0)} ms each, ${width} at once; memory ${mebibytes.join(' ')} MiB\n`,
    );
    expect(held.at(-1)).toBeLessThan(Math.max(...held.slice(0, 3)) + breathBytes);
  };

  requirement('bubblewrap', works('namespace'), 'apt-get install bubblewrap')(
    `[K-8] [K-10] [K-11] [L-8] ${rounds} times from the level namespace: nothing of them is left`,
    () => play('namespace'),
    timeMs,
  );

  requirement('a container engine', engine !== undefined, missing)(
    `[K-8] [K-10] [K-11] [L-8] ${rounds} times from the level docker: nothing of them is left`,
    async () => {
      const { image = '', socketPath = '' } = engine ?? {};
      const before = mounts(dirname(socketPath)).length;
      await play('docker', { docker: { image, socketPath, callMs: 20_000 } });
      expect(await new Docker({ socketPath }).listContainers({ all: true })).toEqual([]);
      await until('the engine has nothing mounted', () => mounts(dirname(socketPath)).length <= before);
    },
    timeMs,
  );
});
