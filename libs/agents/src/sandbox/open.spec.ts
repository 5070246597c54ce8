// Which sandbox is taken.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cgroups } from './cgroups.js';
import { Ledger } from './ledger.js';
import { NamespaceSandbox } from './namespace.js';
import { NoneSandbox } from './none.js';
import type { SandboxReport } from './open.js';
import { openSandboxes, Sandboxes } from './open.js';
import type { Sandbox } from './sandbox.js';
import { codeOf, never } from './trial.contract.js';

const noCgroups = new Cgroups({ version: 1, bases: {} }, 'spoke');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-open-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

test('[F-7] the strongest level that works is taken, whatever weaker one is asked for', async () => {
  const sandboxes = await openSandboxes({ stateDir: folder, allowNone: true });
  const strongest = sandboxes.reports.findLast(({ ok }) => ok)!.level;
  expect(sandboxes.pick('none').level).toBe(strongest);
  expect(sandboxes.pick(strongest).level).toBe(strongest);
});

test('a floor that nothing reaches is refused with the cure', async () => {
  const missing = new NamespaceSandbox(
    new Ledger(join(folder, 'n')),
    noCgroups,
    join(folder, 'root'),
    '/nowhere/bwrap',
  );
  const none = new NoneSandbox(true, new Ledger(join(folder, 'none')), noCgroups);
  const report = async (sandbox: Sandbox): Promise<SandboxReport> => ({
    level: sandbox.level,
    ...(await sandbox.probe()),
  });
  const sandboxes = new Sandboxes([none, missing], await Promise.all([none, missing].map(report)));
  expect(sandboxes.pick('none').level).toBe('none');
  expect(() => sandboxes.pick('namespace')).toThrow(/apt-get install bubblewrap/);
  expect(() => sandboxes.pick('docker')).toThrow(expect.objectContaining({ code: 'sandbox_unavailable' }));
});

test('`none` refuses unless it was allowed', async () => {
  const sandboxes = await openSandboxes({ stateDir: folder });
  const spec = { agentId: randomUUID(), argv: ['true'], env: {}, cwd: '/', mounts: [], limits: {} } as const;
  expect(await codeOf(sandboxes.at('none')!.launch({ ...spec, argv: ['true'] }, never))).toBe('sandbox_unavailable');
  expect(sandboxes.reports.find(({ level }) => level === 'none')).toMatchObject({ ok: false });
});

test('a limit without a cgroup to hold it is refused before anything starts', async () => {
  const none = new NoneSandbox(true, new Ledger(join(folder, 'none')), noCgroups);
  for (const limits of [{ memoryBytesMax: 1e9 }, { pidsMax: 10 }, { cpuPercentMax: 10 }]) {
    const spec = { agentId: randomUUID(), argv: ['true'] as [string], env: {}, cwd: '/', mounts: [], limits };
    expect(await codeOf(none.launch(spec, never))).toBe('limit_unenforceable');
  }
  expect(await none.known()).toEqual([]);
});
