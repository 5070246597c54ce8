// The usual faults of a machine, each made for real, and what `writ doctor` says of it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '#protocol';
import { root } from '../../../../test/support/instance.js';
import { requirement } from '../../../../test/support/require.js';
import { TinyHome } from '../../../../test/support/tiny-home.js';
import { tinyConnection, tinyPeers } from '../../../../test/support/tiny-peers.js';
import { writ } from '../../../../test/support/writ.js';

let home: TinyHome;
beforeAll(async () => {
  home = await TinyHome.open();
});
afterAll(() => home.close());

async function findings(env: Record<string, string> = {}): Promise<Check[]> {
  const { out } = await writ(['doctor', '-o', 'json'], { env: { HOME: home.folder, ...env } });
  return (JSON.parse(out) as Check[]).filter(({ outcome }) => outcome !== 'ok');
}

test('a git that is too old, a store that others can read, a peer that is away, and an instance of another version', async () => {
  const bin = join(home.folder, 'old-bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), '#!/bin/sh\necho git version 2.20.1\n', { mode: 0o755 });
  const store = join(home.folder, '.writ/spoke/store.sqlite');
  writeFileSync(store, '', { mode: 0o644 });
  tinyPeers.hubs.push({ ...tinyConnection('far'), state: 'active', connected: false });
  const found = await findings({ PATH: `${bin}:${process.env.PATH ?? ''}` });
  rmSync(store);
  const named = (name: string) => found.find((one) => one.name === name);
  expect(named('git')).toMatchObject({ outcome: 'failed', detail: 'git version 2.20.1 is too old for a spoke' });
  expect(named('modes')).toMatchObject({ outcome: 'failed', cure: `chmod go-rwx ${store}` });
  expect(named('spoke: reachability')?.detail).toMatch(/^far is not connected/);
  expect(found.filter(({ cure }) => cure === undefined || cure === '')).toEqual([]);
  home.api.gateway.version = '9.9.9';
  const other = (await findings()).find(({ name }) => name === 'spoke: version');
  expect(other?.detail).toMatch(/^It runs 9\.9\.9; this is/);
}, 120_000);

const asRoot = requirement('the right to be another user', process.getuid?.() === 0, 'run the tests as root');

/** What it says of a container engine with this mode to a user who is neither its owner nor of its group, on a /run of its own. */
function engineSaid(mode: number): Check | undefined {
  const program = `
    import { once } from 'node:events';
    import { chmodSync } from 'node:fs';
    import { createServer } from 'node:net';
    import { machineChecks } from './dist/apps/cli/src/doctor/machine.js';
    const engine = createServer().listen('/var/run/docker.sock');
    await once(engine, 'listening');
    chmodSync('/var/run/docker.sock', ${mode});
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
    process.stdout.write(JSON.stringify(machineChecks()), () => process.exit());`;
  const script = 'mount -t tmpfs -o mode=755 run /run && exec "$0" --input-type=module --eval "$1"';
  const args = ['--mount', 'sh', '-c', script, process.execPath, program];
  const said = execFileSync('unshare', args, { cwd: root, encoding: 'utf8' });
  return (JSON.parse(said) as Check[]).find(({ name }) => name === 'engine');
}

asRoot('a container engine that this user may not use', () => {
  expect(engineSaid(0o666)).toMatchObject({ outcome: 'ok' });
  expect(engineSaid(0o660)).toMatchObject({ outcome: 'warning', cure: expect.stringContaining('--groups docker') });
});
