// Checkpoints room: one bare repository per agent, on the host, beside its worktree and out of its reach. Each checkpoint is a commit
// without parents: `tree` has the files, `memory` the conversation, the message says the rest. One ref, written in one step, makes it
// count. It has no attributes but ours: a file is kept byte for byte, whatever `.gitattributes` in the worktree say.
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { commitHash } from '#protocol';
import { git, GitFailure, gitLine, type GitRun } from '../git.js';
import type { Places } from '../records.js';
import { aheadRef, checkpointRef, checkpointRefs } from '../refs.js';

const about = z.strictObject({
  format: z.literal(1),
  turn: z.int().min(1),
  before: z.enum(['turn', 'restore']),
  at: z.string(),
  /** The commit that HEAD named, as far as it is sound, and the branch, if it was on one. */
  head: commitHash.optional(),
  branch: z.string().optional(),
  /** Of all that the agent's refs named: whoever finds the same need not read the commits again. */
  tips: z.string().optional(),
  missing: z.string().optional(),
});
export type About = z.infer<typeof about>;

export interface Contents {
  /** The id of a tree of git. */
  readonly tree: string;
  readonly memory: string | undefined;
}

/** The most that `sessionBytesMax` can be set to. */
const memoryBytesMax = 2 ** 28;
const attributes = '* -text !eol -ident -filter -diff -merge !working-tree-encoding\n';

export class Cellar {
  constructor(
    private readonly agentId: string,
    private readonly places: Places,
  ) {}

  get gitDir(): string {
    return this.places.checkpoints;
  }

  /** Git over the worktree with an index of our own. */
  over(index: string): GitRun {
    return { gitDir: this.gitDir, workTree: this.places.tree, env: { GIT_INDEX_FILE: join(this.gitDir, index) } };
  }

  /** Made under another name first: half of one is never found. */
  async lay(): Promise<void> {
    if (await this.isLaid()) return;
    const draft = `${this.gitDir}.new`;
    await rm(draft, { recursive: true, force: true });
    await git(['init', '--quiet', '--bare', '--template=', '--', draft]);
    for (const folder of ['info', join('objects', 'info')]) await mkdir(join(draft, folder), { recursive: true });
    await writeFile(join(draft, 'info', 'attributes'), attributes);
    await writeFile(join(draft, 'objects', 'info', 'alternates'), `${join(this.places.git, 'objects')}\n`);
    await rename(draft, this.gitDir);
  }

  isLaid(): Promise<boolean> {
    return isThere(this.gitDir);
  }

  /** What a git that died left locked is nobody's any more. */
  async unlock(): Promise<void> {
    for (const name of ['index.lock', 'union.lock']) await rm(join(this.gitDir, name), { force: true });
  }

  /** Oldest first. */
  async all(): Promise<readonly About[]> {
    if (!(await this.isLaid())) return [];
    const format = '--format=%(contents:subject)';
    const { text } = await git(['for-each-ref', format, checkpointRefs(this.agentId)], { gitDir: this.gitDir });
    const found = text.split('\n').filter(Boolean);
    return found.map((line) => about.parse(JSON.parse(line))).sort((one, other) => one.turn - other.turn);
  }

  /** Whole or not at all; replaces one of the same turn. Ahead of its turn it stands under a ref of its own, until it counts. */
  async put(told: About, contents?: Contents, isAhead = false): Promise<void> {
    const { tree, memory } = contents ?? {};
    const lines = [
      `commit ${isAhead ? aheadRef : this.ref(told.turn)}\ncommitter Writ <writ@writ.invalid> ${seconds(told.at)} +0000\n`,
      data(JSON.stringify(told)),
      'deleteall\n',
      tree === undefined ? '' : `M 040000 ${tree} tree\n`,
      memory === undefined ? '' : `M 100644 inline memory\n${data(memory)}`,
    ];
    const args = ['--force', '--quiet', '--date-format=raw'];
    await git(['fast-import', ...args], { gitDir: this.gitDir, input: lines.join('') });
  }

  /** The commit that was put ahead, while it does not count; read as git writes it. */
  async ahead(): Promise<string | undefined> {
    const text = await readFile(join(this.gitDir, aheadRef), 'latin1').catch(nothing);
    return commitHash.safeParse(text?.trim()).data;
  }

  /** What was put ahead counts from now on, as the checkpoint of that turn; git has synced the file that changes its name. */
  async count(turn: number): Promise<void> {
    const ref = join(this.gitDir, this.ref(turn));
    await mkdir(dirname(ref), { recursive: true });
    await rename(join(this.gitDir, aheadRef), ref);
  }

  async dropAhead(): Promise<void> {
    await rm(join(this.gitDir, aheadRef), { force: true });
  }

  /** The numbers, oldest first. Refs are files here, unless somebody packed them. */
  async turns(): Promise<readonly number[]> {
    if (await this.arePacked()) return (await this.all()).map(({ turn }) => turn);
    const names = (await readdir(join(this.gitDir, checkpointRefs(this.agentId))).catch(nothing)) ?? [];
    const turns = names.filter((name) => /^\d+$/.test(name)).map(Number);
    return turns.sort((one, other) => one - other);
  }

  /** The tree of the files; undefined when there is no such checkpoint. */
  async tree(turn: number): Promise<string | undefined> {
    return gitLine(['rev-parse', '--verify', '--quiet', `${this.ref(turn)}:tree`], { gitDir: this.gitDir }).catch(
      undefinedIfFailed,
    );
  }

  /** Undefined when nothing was remembered. */
  async memory(turn: number): Promise<string | undefined> {
    const run = { gitDir: this.gitDir, outputBytesMax: memoryBytesMax };
    const listed = await gitLine(['ls-tree', '--name-only', this.ref(turn), '--', 'memory'], run);
    if (listed === '') return undefined;
    const { text, truncated } = await git(['cat-file', 'blob', `${this.ref(turn)}:memory`], run);
    if (truncated) throw new Error('the conversation of a checkpoint is larger than one can be');
    return text;
  }

  async drop(turns: readonly number[]): Promise<void> {
    if (turns.length === 0) return;
    if (!(await this.arePacked())) {
      for (const turn of turns) await rm(join(this.gitDir, this.ref(turn)), { force: true });
      return;
    }
    const input = turns.map((turn) => `delete ${this.ref(turn)}\n`).join('');
    await git(['update-ref', '--stdin'], { gitDir: this.gitDir, input });
  }

  /** On disk, before anything is pruned. */
  async bytes(): Promise<number> {
    const { text } = await git(['count-objects', '-v'], { gitDir: this.gitDir });
    const figure = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
    return (figure('size') + figure('size-pack')) * 1_024;
  }

  async prune(): Promise<void> {
    await git(['prune', '--expire=now'], { gitDir: this.gitDir });
  }

  private arePacked(): Promise<boolean> {
    return isThere(join(this.gitDir, 'packed-refs'));
  }

  private ref(turn: number): string {
    return checkpointRef(this.agentId, turn);
  }
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function seconds(at: string): number {
  return Math.floor(Date.parse(at) / 1_000);
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function nothing(): undefined {
  return undefined;
}

function undefinedIfFailed(error: unknown): undefined {
  if (error instanceof GitFailure) return undefined;
  throw error;
}
