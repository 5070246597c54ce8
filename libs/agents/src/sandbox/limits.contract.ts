// Ceilings that the kernel holds; only where this process may make cgroups.
import { afterEach, beforeEach, expect } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxLevel } from '#protocol';
import { requirement } from '../../../../test/support/require.js';
import { eventually, heard, machineHas, Trial } from './trial.contract.js';

const howTo = 'run as root on cgroup v1, or under a delegated cgroup v2 (`systemd-run --user -p Delegate=yes`)';
const bomb = `const { spawn } = require('node:child_process');
  setInterval(() => { for (let i = 0; i < 20; i++) spawn('sleep', ['300']).on('error', () => {}); }, 5);`;
/** Says how much of a processor it got. */
const busy = 'const end = Date.now() + 1500; while (Date.now() < end); console.log(process.cpuUsage().user / 1500e3)';

export function limitsContract(level: SandboxLevel, canLimit: boolean): void {
  const limited = requirement('a writable cgroup', canLimit, howTo);
  let trial: Trial;

  beforeEach(async () => {
    trial = await Trial.open(level);
  });
  afterEach(() => trial.close());

  limited('a fork bomb stays within `pidsMax` and is ended', async () => {
    const running = await trial.launch(`node -e "${bomb}"`, { pidsMax: 60 });
    expect(running.enforced).toContain('pidsMax');
    await eventually(async () => (await trial.sandbox.survivors(trial.agentId)) > 30, 20_000);
    expect(await trial.sandbox.survivors(trial.agentId)).toBeLessThanOrEqual(62);
    expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
  });

  limited('a memory bomb is killed at `memoryBytesMax`', async () => {
    const { end } = await trial.run('node -e "const a = []; for (;;) a.push(Buffer.alloc(1e7, 1))"', {
      memoryBytesMax: 150e6,
    });
    expect(end.code === 0).toBe(false);
  });

  limited(
    'a busy loop gets no more than `cpuPercentMax`',
    async () => {
      const { out } = await trial.run(`node -e "${busy}"`, { cpuPercentMax: 20 });
      expect(Number(out)).toBeGreaterThan(0);
      expect(Number(out)).toBeLessThan(0.4);
    },
    120_000,
  );

  limited(
    'busy loops in two launches get no more than `cpuPercentMax` together',
    async () => {
      const shares = await Promise.all([1, 2].map(() => trial.run(`node -e "${busy}"`, { cpuPercentMax: 20 })));
      const sum = shares.reduce((so, { out }) => so + Number(out), 0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThan(0.4);
    },
    120_000,
  );

  limited('fork bombs in two launches stay within `pidsMax` together', async () => {
    // Both are there before either goes off: a launch beside a bomb finds no place left.
    const told = `read go; exec node -e "${bomb}"`;
    const launches = [await trial.launch(told, { pidsMax: 60 }), await trial.launch(told, { pidsMax: 60 })];
    for (const { stdin } of launches) stdin.write('go\n');
    await eventually(async () => (await trial.sandbox.survivors(trial.agentId)) > 20, 20_000);
    await sleep(500);
    expect(await trial.sandbox.survivors(trial.agentId)).toBeLessThanOrEqual(62);
    expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
    await Promise.all(launches.map(({ end }) => end));
  });

  limited('what one launch takes of the memory another lacks', async () => {
    const limits = { memoryBytesMax: 200e6 };
    const mark = `held${Date.now() % 1e8}`;
    const taking = (then: string): string => `node -e "const ${mark} = Buffer.alloc(110e6, 1); ${then}"`;
    const first = await trial.launch(taking("console.log('ready'); setInterval(() => {}, 1e6)"), limits);
    await heard(first, 'ready');
    const second = await trial.run(taking('console.log(1)'), limits);
    // The kernel takes the memory of whom it has chosen before that one is gone.
    if (second.end.code === 0) await eventually(() => !machineHas(mark), 30_000);
    await trial.sandbox.stop(trial.agentId, 0);
  });

  limited('the groups are gone after the removal', async () => {
    await trial.run('true', { pidsMax: 100, memoryBytesMax: 1e9 });
    const folder = join(trial.stateDir, level, trial.agentId);
    const { paths } = JSON.parse(readFileSync(join(folder, 'groups.json'), 'utf8')) as { paths: string[] };
    expect(paths.every((path) => existsSync(path))).toBe(true);
    await trial.sandbox.stop(trial.agentId, 0);
    await trial.sandbox.remove(trial.agentId);
    expect(paths.some((path) => existsSync(path))).toBe(false);
  });
}
