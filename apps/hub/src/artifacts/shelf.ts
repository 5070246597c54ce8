// Bundles that were verified, in the hub's state folder: bounded, the one that nobody asked for the longest goes first. Beside each
// stands what it is, written last: without that there is no bundle. Files are named by ids and hashes, never by what a spoke says.
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Bundle } from '#api';
import { agentBranch, agentId as agentIdSchema, commitHash, sha256Hash, type BundleFacts } from '#protocol';

const facts = z.strictObject({ commit: commitHash, base: commitHash, bytes: z.int().min(1), sha256: sha256Hash });

interface Held extends BundleFacts {
  readonly agentId: string;
  readonly usedAtMs: number;
}

export class BundleShelf {
  constructor(
    private readonly folder: string,
    /** Of all together. */
    private readonly bytesMax: number,
  ) {}

  /** What was begun in an earlier life is not gone on with. */
  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const held = await this.all();
    const known = new Set(held.flatMap((one) => [this.noted(one.agentId), this.file(one)]));
    const found = (await readdir(this.folder)).map((name) => join(this.folder, name));
    for (const file of found.filter((one) => !known.has(one))) await rm(file, { force: true });
  }

  /** Where the pieces of one are gathered. */
  part(agentId: string): string {
    return join(this.folder, `${agentIdSchema.parse(agentId)}.part`);
  }

  /** The agent's branch at that commit, if it is here; `sha256`: only these very bytes. */
  async find(agentId: string, { commit, sha256 }: { commit: string; sha256?: string }): Promise<Bundle | undefined> {
    const held = await this.read(agentId);
    if (held?.commit !== commit || (sha256 !== undefined && held.sha256 !== sha256)) return undefined;
    const size = await stat(this.file(held)).then(
      ({ size }) => size,
      () => -1,
    );
    if (size !== held.bytes) return undefined;
    await utimes(this.noted(agentId), new Date(), new Date());
    return this.bundle(held);
  }

  /** Takes over what was gathered, in place of what was here of this agent. */
  async put(agentId: string, { commit, base, bytes, sha256 }: BundleFacts): Promise<Bundle> {
    const before = await this.read(agentId);
    const held = { agentId, commit, base, bytes, sha256, usedAtMs: Infinity };
    await rename(this.part(agentId), this.file(held));
    await writeFile(this.part(agentId), JSON.stringify({ commit, base, bytes, sha256 }), { mode: 0o600, flush: true });
    await rename(this.part(agentId), this.noted(agentId));
    if (before && before.sha256 !== sha256) await rm(this.file(before), { force: true });
    await this.makeRoom(agentId);
    return this.bundle(held);
  }

  private bundle(held: Held): Bundle {
    const { agentId, commit, base, bytes, sha256 } = held;
    const content = () => createReadStream(this.file(held));
    return { branch: agentBranch(agentId), commit, base, bytes, sha256, content };
  }

  private async makeRoom(newest: string): Promise<void> {
    const held = await this.all();
    let bytes = held.reduce((sum, one) => sum + one.bytes, 0);
    for (const one of held.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (bytes <= this.bytesMax || one.agentId === newest) continue;
      await rm(this.noted(one.agentId), { force: true });
      await rm(this.file(one), { force: true });
      bytes -= one.bytes;
    }
  }

  private async all(): Promise<Held[]> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith('.json'));
    const held = await Promise.all(names.map((name) => this.read(name.slice(0, -'.json'.length))));
    return held.filter((one) => one !== undefined);
  }

  private async read(agentId: string): Promise<Held | undefined> {
    try {
      const file = this.noted(agentId);
      const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
      return { agentId, ...facts.parse(JSON.parse(text)), usedAtMs: mtimeMs };
    } catch {
      return undefined;
    }
  }

  private file({ agentId, sha256 }: Pick<Held, 'agentId' | 'sha256'>): string {
    return join(this.folder, `${agentId}.${sha256}.bundle`);
  }

  private noted(agentId: string): string {
    return join(this.folder, `${agentIdSchema.parse(agentId)}.json`);
  }
}
