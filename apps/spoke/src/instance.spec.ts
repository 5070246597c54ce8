// What the spoke says about its own sandboxes, to `writ doctor`.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { ConfiguredResolver, createAgents, GitWorktrees, openSandboxes } from '#agents';
import { openSqliteStore, type Store } from '#store';
import { modelKey, readConfig } from './config.js';
import { InstanceView } from './instance.js';

const folder = mkdtempSync(join(tmpdir(), 'writ-instance-'));
const log = pino({ level: 'silent' });
let store: Store;

beforeAll(async () => {
  store = await openSqliteStore({ path: join(folder, 'store.sqlite') });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function sandboxCheck(docker: object) {
  const config = readConfig({ WRIT_SANDBOX: JSON.stringify({ allowNone: true, docker }) }, []);
  const sandboxes = await openSandboxes({ stateDir: join(folder, 'sandboxes'), ...config.sandbox });
  const worktrees = new GitWorktrees({ root: join(folder, 'worktrees') });
  const resolver = new ConfiguredResolver(config, modelKey);
  const options = { stateDir: join(folder, 'agents') };
  const ground = { store, sandboxes: sandboxes.all, worktrees, resolver, options, sourceId: 'spoke', log };
  const agents = await createAgents(ground);
  const { checks } = await new InstanceView(
    config,
    'A'.repeat(43),
    store,
    sandboxes,
    agents,
    async () => [],
  ).instance();
  await agents.close();
  return checks.find(({ name }) => name === 'sandbox');
}

test('containers that were asked for and cannot be made are a warning with the cure', async () => {
  const wanted = { image: `sha256:${'0'.repeat(64)}`, socketPath: '/nowhere/docker.sock' };
  expect(await sandboxCheck(wanted)).toMatchObject({
    outcome: 'warning',
    detail: expect.stringMatching(/There are no containers.*\/nowhere\/docker\.sock/),
    cure: expect.stringContaining('apt-get install docker.io'),
  });
});

test('containers that nobody asked for are not missed', async () => {
  expect((await sandboxCheck({}))?.detail).toMatch(/^The strongest here is/);
});
