// Checkpoints room: the adapter over git.
import { WritError } from '#protocol';
import { Cellar, type About } from './cellar.js';
import { Checkpoints, type Checkpoint, type CheckpointWish } from './checkpoints.js';
import { restoreHead } from './head.js';
import { indexSum, memorySum, readNote, type Note } from './note.js';
import type { CheckpointOptions } from './options.js';
import { changedIn, Unkept } from './picture.js';
import { ownAgain, restoreFiles } from './restoration.js';
import { Taking, tipsOf, tipsSum, type Site } from './taking.js';

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
    const { cellar, taking } = await this.begin(agentId);
    const { turn, before, at } = wish;
    try {
      await taking.keep(wish);
      return { turn, before, at };
    } catch (error) {
      if (!(error instanceof Unkept)) throw error;
      await cellar.put({ format: 1, turn, before, at, missing: error.message });
      return { turn, before, at, missing: error.message };
    }
  }

  override async prepare(agentId: string, wish: CheckpointWish): Promise<boolean> {
    const { cellar, taking } = await this.begin(agentId);
    try {
      await taking.keep(wish, true);
      return true;
    } catch (error) {
      if (!(error instanceof Unkept)) throw error;
      await cellar.refs.dropAhead();
      return false;
    }
  }

  override async isAsPrepared(
    agentId: string,
    { turn, memory, signal }: Pick<CheckpointWish, 'turn' | 'memory' | 'signal'>,
  ): Promise<boolean> {
    const { places } = await this.ground.site(agentId);
    const cellar = new Cellar(agentId, places);
    const note = await prepared(cellar, turn);
    if (note?.index !== (await indexSum(cellar.gitDir)) || note.memory !== memorySum(memory)) return false;
    if (note.tips !== tipsSum(await tipsOf(places))) return false;
    try {
      return (await changedIn({ ...cellar.over('index'), signal })).length === 0;
    } catch (error) {
      if (error instanceof Unkept) return false;
      throw error;
    }
  }

  override async count(agentId: string, turn: number): Promise<Checkpoint | undefined> {
    const site = await this.ground.site(agentId);
    const cellar = new Cellar(agentId, site.places);
    const note = await prepared(cellar, turn);
    if (!note) return undefined;
    await cellar.refs.count(turn);
    await new Taking(cellar, site, this.ground.options).dropOldest([...(await cellar.turns())], 0);
    return { turn, before: 'turn', at: note.at };
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

  /** What a git that died left locked is free again. */
  private async begin(agentId: string): Promise<{ readonly cellar: Cellar; readonly taking: Taking }> {
    const site = await this.ground.site(agentId);
    const cellar = new Cellar(agentId, site.places);
    await cellar.lay();
    await cellar.unlock();
    return { cellar, taking: new Taking(cellar, site, this.ground.options) };
  }
}

async function prepared(cellar: Cellar, turn: number): Promise<Note | undefined> {
  const note = await readNote(cellar.gitDir);
  return note?.turn === turn && note.ahead !== undefined && note.ahead === (await cellar.refs.ahead())
    ? note
    : undefined;
}

async function found(cellar: Cellar, turn: number): Promise<{ readonly about: About; readonly tree: string }> {
  const about = (await cellar.all()).find((one) => one.turn === turn);
  const tree = about?.missing === undefined ? await cellar.tree(turn) : undefined;
  if (about && tree !== undefined) return { about, tree };
  const why = about?.missing === undefined ? '' : ` ${about.missing}`;
  throw new WritError('not_found', `There is no checkpoint before turn ${turn}.${why}`);
}
