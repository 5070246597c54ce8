// Checkpoints room: the adapter over git.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { WritError } from '#protocol';
import { takeCommits } from '../agent-repository.js';
import type { Places, WorktreeRecord } from '../records.js';
import { readTips } from '../untrusted.js';
import { Cellar, type About } from './cellar.js';
import { Checkpoints, type Checkpoint, type CheckpointWish } from './checkpoints.js';
import type { CheckpointOptions } from './options.js';
import { pictureOf, Unkept } from './picture.js';
import { opening, ownAgain, restoreFiles } from './restoration.js';
import { restoreHead } from './head.js';

/** What is known of an agent that has a worktree here. */
export interface Site {
  readonly record: WorktreeRecord;
  readonly places: Places;
  readonly mirror: string;
}

export interface CheckpointGround {
  readonly options: CheckpointOptions;
  /** @throws WritError `not_found`, `invalid_transition` without a worktree. */
  readonly site: (agentId: string) => Promise<Site>;
  /** @throws WritError `invalid_transition` while something of the agent lives. */
  readonly notInUse: (agentId: string) => Promise<void>;
}

export class GitCheckpoints extends Checkpoints {
  constructor(private readonly ground: CheckpointGround) {
    super();
  }

  override get areKept(): boolean {
    return this.ground.options.keptMax > 0;
  }

  override async take(agentId: string, wish: CheckpointWish): Promise<Checkpoint> {
    const site = await this.ground.site(agentId);
    const cellar = new Cellar(agentId, site.places);
    await cellar.lay();
    await cellar.unlock();
    const { turn, before, at, sparing } = wish;
    const told: About = { format: 1, turn, before, at };
    try {
      await this.keep(cellar, site, told, wish);
      await this.trim(cellar, [turn, ...(sparing === undefined ? [] : [sparing])]);
      return { turn, before, at };
    } catch (error) {
      if (!(error instanceof Unkept)) throw error;
      await cellar.put({ ...told, missing: error.message });
      return { turn, before, at, missing: error.message };
    }
  }

  override async list(agentId: string): Promise<readonly Checkpoint[]> {
    const { places } = await this.ground.site(agentId);
    const all = await new Cellar(agentId, places).all();
    return all.map(({ turn, before, at, missing }) => ({
      turn,
      before,
      at,
      ...(missing === undefined ? {} : { missing }),
    }));
  }

  override async memory(agentId: string, turn: number): Promise<string | undefined> {
    const { places } = await this.ground.site(agentId);
    const cellar = new Cellar(agentId, places);
    await found(cellar, turn);
    return cellar.memory(turn);
  }

  override async restore(agentId: string, to: number, saved: number): Promise<number> {
    await this.ground.notInUse(agentId);
    const { places, record } = await this.ground.site(agentId);
    const cellar = new Cellar(agentId, places);
    const [target, present] = [await found(cellar, to), await found(cellar, saved)];
    await cellar.unlock();
    const { bytesMax } = this.ground.options;
    try {
      const left = await restoreFiles(cellar, places, { tree: target.tree, saved: present.about, bytesMax });
      await restoreHead(places, record, target.about);
      return left;
    } finally {
      await ownAgain(places.tree);
    }
  }

  private async keep(cellar: Cellar, site: Site, told: About, wish: CheckpointWish): Promise<void> {
    const { bytesMax } = this.ground.options;
    const { memory, signal } = wish;
    if (Buffer.byteLength(memory ?? '') > bytesMax) throw new Unkept('The conversation is too large to be kept.');
    const picture = () => pictureOf(cellar, site.places, { bytesMax, signal });
    const tree = await (wish.before === 'restore' ? opening(site.places, picture) : picture());
    const head = await headOf(cellar, site);
    signal?.throwIfAborted();
    if (!(await wish.unmoved())) throw new Unkept('The agent could not be held still while its files were read.');
    await cellar.put({ ...told, ...head }, { tree, memory });
  }

  /** The oldest first: until count and bytes are within their bounds. What is named in `spared` stays. @throws Unkept when even that is too much. */
  private async trim(cellar: Cellar, spared: readonly number[]): Promise<void> {
    const { keptMax, bytesMax } = this.ground.options;
    const all = (await cellar.all()).map(({ turn }) => turn);
    const old = all.filter((turn) => !spared.includes(turn));
    await cellar.drop(old.splice(0, Math.max(0, all.length - Math.max(keptMax, spared.length))));
    if ((await cellar.bytes()) <= bytesMax / 2) return;
    await cellar.prune();
    while ((await cellar.bytes()) > bytesMax) {
      const [oldest] = old.splice(0, 1);
      if (oldest === undefined) throw new Unkept(`The checkpoints are larger than ${bytesMax} bytes.`);
      await cellar.drop([oldest]);
      await cellar.prune();
    }
  }
}

async function found(cellar: Cellar, turn: number): Promise<{ readonly about: About; readonly tree: string }> {
  const about = (await cellar.all()).find((one) => one.turn === turn);
  const tree = about?.missing === undefined ? await cellar.tree(turn) : undefined;
  if (about && tree !== undefined) return { about, tree };
  const why = about?.missing === undefined ? '' : ` ${about.missing}`;
  throw new WritError('not_found', `There is no checkpoint before turn ${turn}.${why}`);
}

/** Its commits are brought to our side when there are new ones; what is not sound counts as none. */
async function headOf(
  cellar: Cellar,
  { places, record, mirror }: Site,
): Promise<Pick<About, 'head' | 'branch' | 'tips'>> {
  const found = await readTips(join(places.tree, '.git'));
  const tips = createHash('sha256').update(JSON.stringify(found)).digest('base64url');
  const { branch } = found;
  const known = (await cellar.all()).find((one) => one.tips === tips && one.head !== undefined);
  const head = known?.head ?? (await soundHead(places, { mirror, base: record.base }));
  return { tips, head, ...(branch === undefined ? {} : { branch }) };
}

async function soundHead(places: Places, origin: { readonly mirror: string; readonly base: string }): Promise<string> {
  return takeCommits(places, origin).then(
    ({ head }) => head,
    () => origin.base,
  );
}
