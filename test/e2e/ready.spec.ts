// Worktrees made ahead, on a real spoke: the next agent of a branch gets the one that lies ready, and the disk budget takes it first.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Federation, type Player } from '../support/federation.js';
import { until } from '../support/until.js';

let stage: Federation;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  const repositories = { allowFile: true, readyFilesMin: 1 };
  spoke = await stage.spoke('acme', { repositories, gc: { diskBytesMax: 1, everyMs: 86_400_000 } });
}, 120_000);
afterAll(() => stage.close(), 60_000);

const ready = () => {
  const folder = join(spoke.instance.options.stateDir, 'worktrees', 'ready');
  const ids = existsSync(folder) ? readdirSync(folder) : [];
  return ids.filter((id) => existsSync(join(folder, id, 'git', 'writ-packs')));
};

test('[W-2] an agent gets the worktree that lies ready; what lies ready goes first when the disk budget is passed', async () => {
  const first = await stage.spawn(spoke, undefined, 'git log --format=%s');
  expect((await stage.ended(spoke, first.agentId)).state).toBe('completed');
  const [made] = await until('one lies ready', () => (ready().length === 1 ? ready() : undefined));
  const second = await stage.spawn(
    spoke,
    undefined,
    'git status --porcelain --branch; echo more > more; git add more; git commit -qm more',
  );
  expect(await stage.ended(spoke, second.agentId)).toMatchObject({ state: 'completed' });
  const { text } = await spoke.client.agents.readOutput(second.agentId);
  expect(text).toBe(`## writ/${second.agentId}\n`);
  expect((await spoke.client.agents.diff(second.agentId)).text).toContain('+more');
  const [next] = await until('another lies ready', () =>
    ready().length === 1 && ready()[0] !== made ? ready() : undefined,
  );
  expect(next).not.toBe(made);
  await spoke.client.housekeeping.gc({});
  expect(ready()).toEqual([]);
}, 120_000);
