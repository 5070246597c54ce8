// What is written for a limit. The kernel's own files are tried by the limits' contract; here a folder stands in for a version 2 tree.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCgroups } from './cgroup-trees.js';
import { Cgroups, groupName } from './cgroups.js';

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
