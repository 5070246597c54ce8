// Branches of agents as files that others may fetch piece by piece: made when somebody asks, once the work is cleared, and kept for
// a while, so that the pieces belong together. The folder is a memory only: it begins empty, and what does not fit goes, the oldest first.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WritError, type BundleFacts } from '#protocol';
import type { BundleFile } from '../agents.js';
import type { Work } from '../secrets/allowed.js';
import type { Clearance } from '../secrets/clearance.js';
import { whereverItIs } from '../worktrees/moving.js';
import type { HarvestedWork, Worktrees } from '../worktrees/worktrees.js';

interface BundlesParts {
  readonly folder: string;
  /** Of one bundle. */
  readonly bundleBytesMax: number;
  /** Of all together. */
  readonly bundlesBytesMax: number;
  readonly worktrees: Worktrees;
  readonly clearance: Pick<Clearance, 'of'>;
}

interface Kept extends BundleFacts {
  readonly file: string;
}

export class Bundles {
  /** By agent, the one that was asked for last at the end. */
  private readonly kept = new Map<string, Kept>();
  private readonly making = new Map<string, Promise<Kept>>();
  private made = 0;

  constructor(private readonly parts: BundlesParts) {}

  /** What an earlier life cleared may not be clear under today's settings. */
  async prepare(): Promise<void> {
    await rm(this.parts.folder, { recursive: true, force: true });
    await mkdir(this.parts.folder, { recursive: true, mode: 0o700 });
  }

  /** @throws WritError `not_found` for an agent that left no commits, `withheld`, `too_large`, `invalid_transition` while its work changes */
  async of(work: Work): Promise<BundleFile> {
    const harvested = await this.parts.worktrees.harvested(work.agentId).catch(absent);
    if (!harvested) throw new WritError('not_found', `Agent ${work.agentId} left no commits.`);
    const known = this.kept.get(work.agentId);
    const kept = known?.commit === harvested.commit ? known : await this.joined(work, harvested);
    this.kept.delete(work.agentId);
    this.kept.set(work.agentId, kept);
    return fileOf(kept);
  }

  private joined(work: Work, harvested: HarvestedWork): Promise<Kept> {
    const key = `${work.agentId} ${harvested.commit}`;
    const making = this.making.get(key) ?? this.make(work, harvested).finally(() => this.making.delete(key));
    this.making.set(key, making);
    return making;
  }

  private async make(work: Work, { base, commit }: HarvestedWork): Promise<Kept> {
    const { folder, worktrees, clearance, bundleBytesMax } = this.parts;
    const verdict = await clearance.of(work);
    if (verdict.kind !== 'clear') throw new WritError('withheld', verdict.reason);
    if (verdict.commit !== commit)
      throw new WritError('invalid_transition', 'The work of the agent has just changed: ask again.');
    const file = join(folder, `${work.agentId}.${(this.made += 1)}.bundle`);
    try {
      const to = { file, bytesMax: bundleBytesMax };
      await whereverItIs(() => worktrees.bundle(work.agentId, { base, commit }, to));
      const kept = { file, base, commit, bytes: (await stat(file)).size, sha256: await sha256Of(file) };
      await this.put(work.agentId, kept);
      return kept;
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  private async put(agentId: string, kept: Kept): Promise<void> {
    const before = this.kept.get(agentId);
    this.kept.delete(agentId);
    this.kept.set(agentId, kept);
    const gone = before ? [before] : [];
    let bytes = [...this.kept.values()].reduce((sum, one) => sum + one.bytes, 0);
    for (const [id, one] of this.kept) {
      if (bytes <= this.parts.bundlesBytesMax || id === agentId) continue;
      this.kept.delete(id);
      gone.push(one);
      bytes -= one.bytes;
    }
    await Promise.all(gone.map(({ file }) => rm(file, { force: true })));
  }
}

function fileOf({ file, ...facts }: Kept): BundleFile {
  return {
    ...facts,
    read: (offset, bytesMax) => readAt(file, offset, bytesMax),
    content: () => createReadStream(file),
  };
}

async function readAt(file: string, offset: number, bytesMax: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytesMax), 0, bytesMax, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('base64url');
}

/** It never got as far as a worktree. */
function absent(error: unknown): null {
  if (error instanceof WritError && error.code === 'not_found') return null;
  throw error;
}
