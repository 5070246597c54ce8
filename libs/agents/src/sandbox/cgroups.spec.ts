// What is written for a limit. The kernel's own files are tried by the limits' contract; here a folder stands in for a version 2 tree.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeOver } from './cgroup-delegation.js';
import { findCgroups } from './cgroup-trees.js';
import { until } from '../../../../test/support/until.js';
import { Cgroups, groupName, removeGroups } from './cgroups.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-cgroups-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

test('on version 2 one group holds all limits, swap is no way around, and the sandbox’s own processes are not counted', async () => {
  const cgroups = new Cgroups({ version: 2, bases: { memory: folder, pids: folder, cpu: folder } }, 'spoke');
  const limits = { memoryBytesMax: 1_000_000, pidsMax: 10, cpuPercentMax: 150 };
  const paths = cgroups.paths('a', limits, false);
  expect(paths).toEqual([join(folder, groupName('spoke', 'a'))]);
  await cgroups.make('a', limits, paths);
  const file = (name: string): string => readFileSync(join(folder, groupName('spoke', 'a'), name), 'utf8');
  expect([file('memory.max'), file('memory.swap.max'), file('pids.max'), file('cpu.max')]).toEqual([
    '1000000',
    '0',
    '12',
    '150000 100000',
  ]);
});

test('without a limit there is no group, unless it is wanted for tracking', () => {
  const cgroups = new Cgroups({ version: 2, bases: { pids: folder } }, 'spoke');
  expect(cgroups.paths('a', {}, false)).toEqual([]);
  expect(cgroups.paths('a', {}, true)).toEqual([join(folder, groupName('spoke', 'a'))]);
  expect(new Cgroups({ version: 1, bases: {} }, 'spoke').paths('a', {}, true)).toEqual([]);
});

test('a controller that is not there is named in the refusal', () => {
  const cgroups = new Cgroups({ version: 2, bases: { pids: folder } }, 'spoke');
  expect(cgroups.enforceable).toEqual(['pidsMax']);
  expect(() => cgroups.paths('a', { memoryBytesMax: 1 }, false)).toThrow(/memory/);
});

test('what this machine offers is found without a fault', async () => {
  const { bases } = await findCgroups();
  expect(Object.values(bases).every((base) => base.startsWith('/sys/fs/cgroup'))).toBe(true);
});

test('on version 2 groups are made in the nearest one above this process that hands its controllers on', async () => {
  const [top, slice, unit] = [
    join(folder, 'tree'),
    join(folder, 'tree/a.slice'),
    join(folder, 'tree/a.slice/b.service'),
  ];
  mkdirSync(unit, { recursive: true });
  for (const group of [top, slice, unit]) {
    writeFileSync(join(group, 'cgroup.procs'), '');
    writeFileSync(join(group, 'cgroup.subtree_control'), group === unit ? '' : 'memory pids\n');
  }
  writeFileSync(join(folder, 'mountinfo'), `36 32 0:31 / ${top} rw,relatime - cgroup2 c rw\n`);
  writeFileSync(join(folder, 'cgroup'), '0::/a.slice/b.service\n');
  expect(await findCgroups(folder)).toEqual({ version: 2, bases: { memory: slice, pids: slice } });
});

/** Where this machine has a version 2 tree, with whatever controller: which one does not matter here. */
const tree = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((top) => existsSync(join(top, 'cgroup.controllers')));
const offered = tree ? readFileSync(join(tree, 'cgroup.controllers'), 'utf8').trim().split(' ').filter(Boolean) : [];
const onVersion2 = tree && offered.length > 0 && process.getuid?.() === 0 ? test : test.skip;

onVersion2(
  'a group that was given to the spoke hands on what it has, once the spoke’s own are below it; one with others inside stays as it is',
  async () => {
    const [controller = ''] = offered;
    const top = join(tree ?? '', `writ-test-${process.pid}`);
    const handed = readFileSync(join(tree ?? '', 'cgroup.subtree_control'), 'utf8').includes(controller);
    writeFileSync(join(tree ?? '', 'cgroup.subtree_control'), `+${controller}`);
    mkdirSync(top);
    const words = (file: string): string[] => readFileSync(join(top, file), 'utf8').split(/\s+/).filter(Boolean);
    const own = spawn('sleep', ['86428']);
    const other = spawn('sh', ['-c', 'setsid sleep 86428 & echo $!'], { detached: true });
    try {
      const [orphan] = (await once(other.stdout, 'data')) as [Buffer];
      for (const pid of [own.pid, Number(orphan)]) writeFileSync(join(top, 'cgroup.procs'), String(pid));
      await once(other, 'exit');
      expect(await takeOver(top, top, offered)).toBe(false);
      expect([words('cgroup.procs').length, words('cgroup.subtree_control'), existsSync(join(top, 'spoke'))]).toEqual([
        2,
        [],
        false,
      ]);
      process.kill(Number(orphan), 'SIGKILL');
      await until('the other has left', () => words('cgroup.procs').length === 1);
      expect(await takeOver(top, top, ['none', controller])).toBe(true);
      expect([words('cgroup.procs'), words('cgroup.subtree_control'), words('spoke/cgroup.procs')]).toEqual([
        ...[[], [controller], [String(own.pid)]],
      ]);
    } finally {
      own.kill('SIGKILL');
      await once(own, 'exit');
      await removeGroups([join(top, 'spoke'), top]);
      if (!handed) writeFileSync(join(tree ?? '', 'cgroup.subtree_control'), `-${controller}`);
    }
  },
);
