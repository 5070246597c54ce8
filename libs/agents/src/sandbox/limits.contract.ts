// Ceilings that the kernel holds; only where this process may make cgroups.
import { afterEach, beforeEach, expect } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxLevel } from '#protocol';
import { requirement } from '../../../../test/support/require.js';
import { eventually, Trial } from './trial.contract.js';

const howTo = 'run as root on cgroup v1, or under a delegated cgroup v2 (`systemd-run --user -p Delegate=yes`)';

export function limitsContract(level: SandboxLevel, canLimit: boolean): void {
  const limited = requirement('a writable cgroup', canLimit, howTo);
  let trial: Trial;

  beforeEach(async () => {
    trial = await Trial.open(level);
  });
  afterEach(() => trial.close());

  limited('a fork bomb stays within `pidsMax` and is ended', async () => {
    const bomb = `const { spawn } = require('node:child_process');
      setInterval(() => { for (let i = 0; i < 20; i++) spawn('sleep', ['300']).on('error', () => {}); }, 5);`;
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
      const script =
        'const end = Date.now() + 1500; while (Date.now() < end); console.log(process.cpuUsage().user / 1500e3)';
      const { out } = await trial.run(`node -e "${script}"`, { cpuPercentMax: 20 });
      expect(Number(out)).toBeGreaterThan(0);
      expect(Number(out)).toBeLessThan(0.4);
    },
    60_000,
  );

  // Containers have groups of their engine, which goes with them.
  if (level === 'docker') return;

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
