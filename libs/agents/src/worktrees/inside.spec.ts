// A worktree in a sandbox: what an agent can do with git there, and that its commits come out.
import { expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { requirement } from '../../../../test/support/require.js';
import { lookAt, Trial } from '../sandbox/trial.contract.js';
import { GitWorktrees } from './git-worktrees.js';

const { ok, reason, cure } = await lookAt('namespace');
const sandboxed = requirement('the sandbox `namespace`', ok, `${reason ?? ''} ${cure ?? ''}`);
const never = new AbortController().signal;

function makeRepository(folder: string): string {
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'one\n');
  const commit = ['-c', 'user.name=A', '-c', 'user.email=a@b', 'commit', '--quiet', '--message', 'first'];
  for (const args of [['init', '--quiet', '--initial-branch=main'], ['add', '.'], commit])
    execFileSync('git', args, { cwd: folder, env: { PATH: process.env.PATH, HOME: folder } });
  return pathToFileURL(folder).href;
}

sandboxed(
  '[W-5] an agent commits inside its sandbox, is left alone while it lives, and its commit is what comes out',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-inside-'));
    const trial = await Trial.open('namespace');
    try {
      const inUse = async (agentId: string): Promise<boolean> => (await trial.sandbox.survivors(agentId)) > 0;
      const worktrees = new GitWorktrees({ root: join(folder, 'root'), allowFile: true, inUse });
      const repository = makeRepository(join(folder, 'source'));
      const worktree = await worktrees.create({ agentId: trial.agentId, repository, branch: 'main' }, never);
      const mounts = [{ from: worktree.path, to: '/work', writable: true }];
      const script = `git status --short --branch && echo two >> file && git diff --stat && git commit -qam 'mine' \
      && git log --format=%s && git status --short && echo left > left && echo ready && read x`;
      const spec = trial.spec(['sh', '-ec', script], { mounts });
      const running = await trial.sandbox.launch(spec, never);
      let said = '';
      for await (const piece of running.stdout.iterator({ destroyOnReturn: false }))
        if ((said += String(piece)).includes('ready')) break;
      expect(said).toBe(`## ${worktree.branch}\n file | 1 +\n 1 file changed, 1 insertion(+)\nmine\nfirst\nready\n`);
      const tooEarly = { code: 'invalid_transition' };
      await expect(worktrees.remove(trial.agentId)).rejects.toMatchObject(tooEarly);
      await expect(worktrees.harvest(trial.agentId, 'no')).rejects.toMatchObject(tooEarly);
      running.stdin.end('\n');
      await running.end;
      const harvest = await worktrees.harvest(trial.agentId, 'what was left');
      expect(harvest?.changes).toEqual({ files: 2, insertions: 2, deletions: 0 });
      expect(await worktrees.remove(trial.agentId)).toBe('removed');
      expect((await worktrees.diff(trial.agentId, 10_000)).text).toContain('+two');
    } finally {
      await trial.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
