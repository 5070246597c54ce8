// The branch of an agent as a git bundle: real git makes it, and real git takes it into another clone.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentRef, checkBundle } from '#protocol';
import { codeOf, WorktreeRoom } from '../../../../test/support/worktree-room.js';

let room: WorktreeRoom;
beforeEach(() => {
  room = new WorktreeRoom();
});
afterEach(() => room.close());

const file = (name = 'one') => join(room.folder, `${name}.bundle`);
const roomy = { bytesMax: 2 ** 20 };

async function worked() {
  const { path, agentId, base } = await room.create();
  writeFileSync(join(path, 'sum.js'), 'one\ntwo\nthree\n');
  room.commitAll(path, 'the agent’s own words');
  room.git(path, 'branch', 'beside', 'HEAD');
  writeFileSync(join(path, 'left'), 'left\n');
  const { commit } = (await room.worktrees.harvest(agentId, 'left by the agent\n'))!;
  return { path, agentId, base, commit };
}

test('who has the base takes the branch with its commits, and nothing beside it', async () => {
  const { agentId, base, commit } = await worked();
  expect(await room.worktrees.harvested(agentId)).toEqual({ base, commit });
  await room.worktrees.bundle(agentId, { base, commit }, { file: file(), ...roomy });
  const bytes = readFileSync(file());
  checkBundle(bytes, agentId, { base, commit, bytes: bytes.length, sha256: '' });
  const clone = join(room.folder, 'clone');
  room.git(room.folder, 'clone', '--quiet', room.source, clone);
  expect(room.git(clone, 'bundle', 'list-heads', file())).toBe(`${commit} ${agentRef(agentId)}`);
  room.git(clone, 'fetch', '--quiet', file(), `${agentRef(agentId)}:refs/heads/theirs`);
  expect(room.git(clone, 'rev-parse', 'theirs')).toBe(commit);
  expect(room.git(clone, 'log', '--format=%s', 'main..theirs')).toBe('left by the agent\nthe agent’s own words');
  expect(readdirSync(room.folder).filter((name) => name.endsWith('.git'))).toEqual([]);
});

test('it is thin: a large file with one more line costs the line', async () => {
  const noise = Array.from({ length: 20_000 }, (_, n) => `${n * 7_919}`).join('\n');
  writeFileSync(join(room.source, 'large'), noise);
  room.commitAll(room.source, 'large');
  const { path, agentId } = await room.create();
  writeFileSync(join(path, 'large'), `${noise}\nmore\n`);
  const { commit } = (await room.worktrees.harvest(agentId, 'more'))!;
  const { base } = (await room.worktrees.harvested(agentId))!;
  await room.worktrees.bundle(agentId, { base, commit }, { file: file(), ...roomy });
  expect(readFileSync(file()).length).toBeLessThan(2_000);
});

test('the same work gives the same bytes, also after the worktree is gone', async () => {
  const { agentId, base, commit } = await worked();
  await room.worktrees.bundle(agentId, { base, commit }, { file: file(), ...roomy });
  await room.worktrees.remove(agentId);
  expect(await room.worktrees.harvested(agentId)).toEqual({ base, commit });
  await room.worktrees.bundle(agentId, { base, commit }, { file: file('two'), ...roomy });
  expect(readFileSync(file('two')).equals(readFileSync(file()))).toBe(true);
});

test('one beyond the limit is refused, and nothing is left of it but what the caller removes', async () => {
  const { path, agentId } = await room.create();
  writeFileSync(join(path, 'noise'), Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * n * 31) % 251)));
  const { commit } = (await room.worktrees.harvest(agentId, 'noise'))!;
  const { base } = (await room.worktrees.harvested(agentId))!;
  const made = room.worktrees.bundle(agentId, { base, commit }, { file: file(), bytesMax: 1_024 });
  expect(await codeOf(made)).toBe('too_large');
  expect(existsSync(`${file()}.git`)).toBe(false);
});

test('an agent that changed nothing has none', async () => {
  const { agentId } = await room.create();
  await room.worktrees.harvest(agentId, 'nothing');
  expect(await room.worktrees.harvested(agentId)).toBeNull();
});

test('[W-4] nothing that the agent wrote into its git folder is asked, and no hook of it runs', async () => {
  const { path, agentId, base, commit } = await worked();
  const touched = join(room.folder, 'touched');
  for (const hook of ['post-commit', 'reference-transaction', 'pre-push'])
    writeFileSync(join(path, '.git', hook), `#!/bin/sh\ntouch ${touched}\n`, { mode: 0o755 });
  room.git(path, 'config', 'core.hooksPath', join(path, '.git'));
  room.git(path, 'config', 'uploadpack.packObjectsHook', `touch ${touched};`);
  await room.worktrees.bundle(agentId, { base, commit }, { file: file(), ...roomy });
  expect(existsSync(touched)).toBe(false);
});
