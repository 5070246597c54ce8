// Checkpoints room: a checkpoint is made: files, HEAD and conversation become one commit, and older ones make room for it.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { takeCommits } from '../agent-repository.js';
import type { Places, WorktreeRecord } from '../records.js';
import { readTips, type Tips } from '../untrusted.js';
import type { Cellar } from './cellar.js';
import type { CheckpointWish } from './checkpoints.js';
import { indexSum, memorySum, readNote, writeNote, type Note } from './note.js';
import type { CheckpointOptions } from './options.js';
import { pictureOf, Unkept } from './picture.js';
import { opening } from './restoration.js';

/** What is known of an agent that has a worktree here. */
export interface Site {
  readonly record: WorktreeRecord;
  readonly places: Places;
  readonly mirror: string;
}

export class Taking {
  private readonly gitDir: string;

  constructor(
    private readonly cellar: Cellar,
    private readonly site: Site,
    private readonly options: CheckpointOptions,
  ) {
    this.gitDir = cellar.gitDir;
  }

  /** Kept, within the bounds, and noted. Ahead of its turn it spares all that count, unless they take too much room. @throws Unkept */
  async keep(wish: CheckpointWish, isAhead = false): Promise<void> {
    const last = await readNote(this.gitDir);
    const note = await this.put(wish, last, isAhead);
    const spared = [...(isAhead ? [] : [wish.turn]), ...(wish.sparing === undefined ? [] : [wish.sparing])];
    const old = (await this.cellar.turns()).filter((turn) => !spared.includes(turn));
    if (!isAhead) await this.dropOldest(old, spared.length);
    if (note.tree !== last?.tree || note.memory !== last.memory) await this.makeRoom(old);
    await writeNote(this.gitDir, note);
  }

  /** The oldest first: until there are no more than may be. Those are taken out of the list. */
  async dropOldest(old: number[], spared: number): Promise<void> {
    const left = Math.max(this.options.keptMax - spared, 0);
    await this.cellar.drop(old.splice(0, Math.max(0, old.length - left)));
  }

  private async put(wish: CheckpointWish, last: Note | undefined, isAhead: boolean): Promise<Note> {
    const { turn, before, at, memory, signal } = wish;
    const { bytesMax } = this.options;
    if (Buffer.byteLength(memory ?? '') > bytesMax) throw new Unkept('The conversation is too large to be kept.');
    const picture = () => pictureOf(this.cellar, this.site.places, { bytesMax, signal, known: last });
    const tree = await (before === 'restore' ? opening(this.site.places, picture) : picture());
    const head = await this.head(last);
    signal?.throwIfAborted();
    if (!(await wish.unmoved())) throw new Unkept('The agent could not be held still while its files were read.');
    await this.cellar.put({ format: 1, turn, before, at, ...head }, { tree, memory }, isAhead);
    const ahead = isAhead ? { ahead: await this.cellar.refs.ahead() } : {};
    const sums = { index: await indexSum(this.gitDir), memory: memorySum(memory) };
    return { format: 1, turn, at, tree, ...sums, ...head, ...ahead };
  }

  /** Its commits are brought to our side when there are new ones; what is not sound counts as none. */
  private async head(last: Note | undefined): Promise<Pick<Note, 'head' | 'branch' | 'tips'>> {
    const { places, mirror, record } = this.site;
    const found = await tipsOf(places);
    const tips = tipsSum(found);
    const head = last?.tips === tips ? last.head : await soundHead(places, { mirror, base: record.base });
    return { tips, head, ...(found.branch === undefined ? {} : { branch: found.branch }) };
  }

  /** The oldest first: until the bytes are within their bound. @throws Unkept when even without them it is too much. */
  private async makeRoom(old: number[]): Promise<void> {
    const { cellar } = this;
    const { bytesMax } = this.options;
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

/** What the refs in the agent's own git folder name, read as data. */
export function tipsOf({ tree }: Places): Promise<Tips> {
  return readTips(join(tree, '.git'));
}

/** Whoever finds the same need not read the commits again. */
export function tipsSum(tips: Tips): string {
  return createHash('sha256').update(JSON.stringify(tips)).digest('base64url');
}

async function soundHead(places: Places, origin: { readonly mirror: string; readonly base: string }): Promise<string> {
  return takeCommits(places, origin).then(
    ({ head }) => head,
    () => origin.base,
  );
}
