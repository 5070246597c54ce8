// Row `worktree-handover`: a worktree of a large repository for an agent: one that lay ready, one made anew, and what
// `git worktree add` takes. Ours asks the remote for the branch's newest commit first, each time; `git worktree add` does not: what
// that takes is measured beside it, and shown apart.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openForkServer } from '#agents';
import { GitWorktrees } from '../../libs/agents/src/worktrees/git-worktrees.js';
import { Mirrors } from '../../libs/agents/src/worktrees/mirrors.js';
import { Remotes } from '../../libs/agents/src/worktrees/remotes/remotes.js';
import { makeLargeRepository } from './instances/large.js';
import { memoryFolder } from './instances/folder.js';
import { hundredths, median, type Row } from './row.js';

const run = promisify(execFile);

export interface HandoverPlan {
  readonly files: number;
  readonly rounds: number;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}

class Bench {
  private readonly folder = memoryFolder('worktrees');
  private readonly repository: string;
  private readonly cold: GitWorktrees;
  private readonly warm: GitWorktrees;
  private readonly mirrors: Mirrors;

  constructor(files: number) {
    this.repository = makeLargeRepository(memoryFolder('repository'), files);
    const ready = { max: 1, filesMin: 1 };
    this.cold = new GitWorktrees({ root: join(this.folder, 'cold'), allowFile: true });
    const bounds = { allowFile: true, fetchTimeMsMax: 600_000, fetchBytesMax: 2 ** 32, environment: {} };
    const folder = join(this.folder, 'mirrors');
    this.mirrors = new Mirrors(folder, {
      ...bounds,
      remotes: new Remotes({ remotes: [], folder, variable: () => undefined }),
    });
    this.warm = new GitWorktrees({ root: join(this.folder, 'warm'), allowFile: true, ready });
  }

  ready(): Promise<number> {
    return this.handOver(this.warm);
  }

  anew(): Promise<number> {
    return this.handOver(this.cold);
  }

  async gitWorktree(): Promise<number> {
    const cwd = fileURLToPath(this.repository);
    const path = join(this.folder, randomUUID());
    const ms = await timed(() => run('git', ['worktree', 'add', '--quiet', '--detach', path, 'main'], { cwd }));
    await run('git', ['worktree', 'remove', '--force', path], { cwd });
    return ms;
  }

  /** What every one of ours does first. */
  look(): Promise<number> {
    return timed(() => this.mirrors.fetch(this.repository, 'main', new AbortController().signal));
  }

  private async handOver(worktrees: GitWorktrees): Promise<number> {
    const agentId = randomUUID();
    const request = { agentId, repository: this.repository, branch: 'main' };
    const ms = await timed(() => worktrees.create(request, new AbortController().signal));
    // The next one is made, and this one removed, outside of what is measured.
    await worktrees.stock.settled();
    await worktrees.remove(agentId);
    return ms;
  }
}

export async function worktreeHandover({ files, rounds }: HandoverPlan): Promise<Row[]> {
  const endForkServer = await openForkServer({ warn: console.error });
  const bench = new Bench(files);
  const times = { ready: [] as number[], alone: [] as number[], anew: [] as number[], git: [] as number[] };
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const [look, ready, anew, git] = [
        await bench.look(),
        await bench.ready(),
        await bench.anew(),
        await bench.gitWorktree(),
      ];
      // In the first nothing lies ready, and the mirrors are made.
      if (round === 0) continue;
      times.ready.push(ready);
      times.alone.push(ready - look);
      times.anew.push(anew);
      times.git.push(git);
    }
  } finally {
    await endForkServer();
  }
  const { ready, alone, anew, git } = times;
  const ratio = (peer: readonly number[]) => hundredths(median(peer.map((ms, n) => ms / (ready[n] ?? ms))));
  const row = { name: 'worktree-handover', inflight: 1 };
  const peers = { 'git-worktree-add': hundredths(median(git)), 'made-anew': hundredths(median(anew)) };
  const ratios = { 'git-worktree-add': ratio(git), 'made-anew': ratio(anew) };
  return [
    { ...row, unit: `ms for ${files} files`, ours: hundredths(median(ready)), peers },
    { ...row, unit: `ms for ${files} files, less the look at the remote`, ours: hundredths(median(alone)), peers },
    { ...row, unit: `ms for ${files} files, peer : writ`, ours: 1, peers: ratios },
  ];
}
