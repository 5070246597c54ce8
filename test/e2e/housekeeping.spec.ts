// What a spoke's admin does to the spoke itself, with real processes and the real command line.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Act } from '#api';
import type { DrainState, GcReport } from '#protocol';
import { ChainedLog, openSqliteStore } from '#store';
import { Federation, refusal, type Player } from '../support/federation.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  spoke = await stage.spoke('alone', { gc: { graceMs: 0, everyMs: 86_400_000 } });
}, 120_000);
afterAll(() => stage.close(), 60_000);

/** As the admin on the same machine types it. */
const typed = (...args: string[]) => writ([...args, '--state', spoke.instance.options.stateDir]);

const acts = async (): Promise<Act[]> => {
  const store = await openSqliteStore({ path: join(spoke.instance.options.stateDir, 'store.sqlite') });
  const rows = await new ChainedLog<Act>(store, ['spoke', 'acts']).read(0);
  await store.close();
  // The first start has made a key: that is an act as well.
  return rows.map(({ entry }) => entry).filter(({ act }) => act !== 'key.create');
};

test('[W-1] what cannot be kept is told and left alone, and the command fails; the act is on record, a dry run is none', async () => {
  const stray = 'b8a5a0de-7c1f-4a53-9f0e-0d6a1f6f6c11';
  const worktrees = join(spoke.instance.options.stateDir, 'worktrees', 'agents');
  mkdirSync(join(worktrees, stray, 'tree'), { recursive: true });
  const planned = await typed('gc', '--dry-run');
  expect(planned).toMatchObject({ code: 1, err: '' });
  expect(planned.out).toContain(stray);
  expect(await acts()).toEqual([]);
  const done = await typed('gc', '-o', 'json');
  expect(done.code).toBe(1);
  const report = JSON.parse(done.out) as GcReport;
  expect(report).toMatchObject({ storeKnown: true, dryRun: false });
  expect(report.items).toMatchObject([{ kind: 'worktree', id: stray, outcome: 'skipped' }]);
  expect(readdirSync(worktrees)).toEqual([stray]);
  expect(await acts()).toMatchObject([{ act: 'gc', actor: { kind: 'key' }, detail: { dryRun: false } }]);
});

test('only an admin may collect', async () => {
  const { key } = await spoke.client.keys.create({ name: 'operator', role: 'operator' });
  const refused = await writ(['gc', '--url', spoke.instance.url, '--key', key, '--on', 'spoke']);
  expect(refused.code).toBe(3);
  expect(refused.err).toContain('role admin');
});

test('a drain refuses what is new with a time to come again, lets what runs go on, outlasts a restart, and is lifted', async () => {
  const hub = await stage.hub('drained-hub');
  const partner = await stage.spoke('partner');
  await stage.pair(hub, partner);
  const state = ['--state', partner.instance.options.stateDir];
  const running = await stage.spawn(hub, 'partner', 'echo ready; until [ -e /work/go ]; do sleep 0.1; done');
  await stage.running(hub, running.agentId);

  const begun = await writ(['drain', '--reason', 'kernel update', '-o', 'json', ...state]);
  expect(JSON.parse(begun.out) as DrainState).toMatchObject({ draining: true, live: 1, reason: 'kernel update' });
  expect(await refusal(stage.spawn(partner, undefined, 'true'))).toMatchObject({ code: 'capacity' });
  const fromHub = await refusal(stage.spawn(hub, 'partner', 'true'));
  expect(fromHub).toMatchObject({ code: 'capacity', detail: expect.stringContaining('drains') as unknown });
  const ready = await partner.call('GET', '/readyz');
  expect([ready.status, ready.json()]).toMatchObject([503, { ready: false }]);
  expect((await partner.client.instance()).checks).toContainEqual(expect.objectContaining({ name: 'drain' }));
  expect((await hub.client.agents.get(running.agentId)).state).toBe('running');

  const waiting = writ(['drain', '--wait', '-o', 'json', ...state]);
  await hub.client.agents.kill(running.agentId, 'it is time');
  const emptied = await waiting;
  expect([emptied.code, JSON.parse(emptied.out)]).toMatchObject([0, { draining: true, live: 0 }]);

  await partner.restart('SIGKILL');
  expect(await refusal(stage.spawn(partner, undefined, 'true'))).toMatchObject({ code: 'capacity' });
  const lifted = await writ(['drain', '--lift', '-o', 'json', ...state]);
  expect(JSON.parse(lifted.out) as DrainState).toMatchObject({ draining: false });
  expect((await partner.call('GET', '/readyz')).status).toBe(200);
  const { agentId } = await stage.spawn(partner, undefined, 'true');
  await until('the new one ends', async () => (await partner.client.agents.get(agentId)).state === 'completed');
}, 120_000);

test('what the instance itself keeps is its owner’s alone; the rest lies behind its folder', async () => {
  const { stateDir } = spoke.instance.options;
  const { agentId } = await stage.spawn(spoke, undefined, 'echo said; echo work > work.txt');
  await stage.ended(spoke, agentId);
  const open = readdirSync(stateDir, { recursive: true, encoding: 'utf8' }).filter((name) => {
    // As git and the root of a sandbox need them.
    if (/^(worktrees|sandboxes)(\/|$)/.test(name)) return false;
    return (statSync(join(stateDir, name)).mode & 0o077) !== 0;
  });
  expect(open).toEqual([]);
  const kept = ['store.sqlite', 'cli.key', 'instance.json', 'keys/identity.json', `agents/output/${agentId}`];
  expect(kept.filter((name) => !existsSync(join(stateDir, name)))).toEqual([]);
});

test('`writ unlock` resets the killswitch', async () => {
  await spoke.client.kill.all({ reason: 'a drill' });
  expect(await refusal(stage.spawn(spoke, undefined, 'true'))).toMatchObject({ code: 'latched' });
  expect((await typed('unlock', '-o', 'json')).out.trim()).toBe('[]');
  expect(await spoke.client.kill.latches()).toEqual([]);
});
