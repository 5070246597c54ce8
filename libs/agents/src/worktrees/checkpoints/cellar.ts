// Checkpoints room: one bare repository per agent, on the host, beside its worktree and out of its reach. Each checkpoint is a commit
// without parents: `tree` has the files, `memory` the conversation, the message says the rest. One ref, written in one step, makes it
// count. It has no attributes but ours: a file is kept byte for byte, whatever `.gitattributes` in the worktree say.
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { commitHash } from '#protocol';
import { git, GitFailure, gitLine, type GitRun } from '../git.js';
import type { Places } from '../records.js';
import { aheadRef, checkpointRefs } from '../refs.js';
import { RefFiles } from './ref-files.js';

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
  readonly refs: RefFiles;

  constructor(
    private readonly agentId: string,
    private readonly places: Places,
  ) {
    this.refs = new RefFiles(agentId, places.checkpoints);
  }

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
    return access(this.gitDir).then(
      () => true,
      () => false,
    );
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
      `commit ${isAhead ? aheadRef : this.refs.name(told.turn)}\ncommitter Writ <writ@writ.invalid> ${seconds(told.at)} +0000\n`,
      data(JSON.stringify(told)),
      'deleteall\n',
      tree === undefined ? '' : `M 040000 ${tree} tree\n`,
      memory === undefined ? '' : `M 100644 inline memory\n${data(memory)}`,
    ];
    const args = ['--force', '--quiet', '--date-format=raw'];
    await git(['fast-import', ...args], { gitDir: this.gitDir, input: lines.join('') });
  }

  /** The numbers, oldest first. */
  async turns(): Promise<readonly number[]> {
    return (await this.refs.arePacked()) ? (await this.all()).map(({ turn }) => turn) : this.refs.turns();
  }

  /** The tree of the files; undefined when there is no such checkpoint. */
  async tree(turn: number): Promise<string | undefined> {
    return gitLine(['rev-parse', '--verify', '--quiet', `${this.refs.name(turn)}:tree`], { gitDir: this.gitDir }).catch(
      undefinedIfFailed,
    );
  }

  /** Undefined when nothing was remembered. */
  async memory(turn: number): Promise<string | undefined> {
    const run = { gitDir: this.gitDir, outputBytesMax: memoryBytesMax };
    const listed = await gitLine(['ls-tree', '--name-only', this.refs.name(turn), '--', 'memory'], run);
    if (listed === '') return undefined;
    const { text, truncated } = await git(['cat-file', 'blob', `${this.refs.name(turn)}:memory`], run);
    if (truncated) throw new Error('the conversation of a checkpoint is larger than one can be');
    return text;
  }

  async drop(turns: readonly number[]): Promise<void> {
    if (turns.length === 0) return;
    if (!(await this.refs.arePacked())) return this.refs.drop(turns);
    const input = turns.map((turn) => `delete ${this.refs.name(turn)}\n`).join('');
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
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function seconds(at: string): number {
  return Math.floor(Date.parse(at) / 1_000);
}

function undefinedIfFailed(error: unknown): undefined {
  if (error instanceof GitFailure) return undefined;
  throw error;
}
