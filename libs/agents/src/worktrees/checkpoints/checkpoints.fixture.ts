// What the specs of checkpoints stand on: real repositories, real git, in temporary folders.
import { afterEach, beforeEach, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GitWorktrees } from '../git-worktrees.js';
import type { Checkpoint, CheckpointWish } from './checkpoints.js';

const never = new AbortController().signal;
const user = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];

export let folder: string;
export let agentId: string;
export let tree: string;
let lives: boolean;
export let worktrees: GitWorktrees;

export function git(cwd: string, ...args: string[]): string {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  return execFileSync('git', [...user, ...args], { cwd, env, encoding: 'utf8', stdio }).trim();
}

export function commitAll(message: string): string {
  git(tree, 'add', '--all');
  git(tree, 'commit', '--quiet', '--message', message);
  return git(tree, 'rev-parse', 'HEAD');
}

/** Never through a link: what a link of a story points at is not the story's. */
export function put(path: string, text: string): void {
  mkdirSync(join(tree, path, '..'), { recursive: true });
  if (lstatSync(join(tree, path), { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(join(tree, path));
  writeFileSync(join(tree, path), text);
}

/** What links out of the tree point at. */
export const outside = () => join(folder, 'host');
export const bait = () => join(outside(), 'passwd');

export const text = (path: string) => readFileSync(join(tree, path), 'utf8');

/** Everything below a folder: kind, mode, time of change and content of each, links as links. */
export function everything(at: string, path = ''): Record<string, string> {
  const stat = lstatSync(join(at, path));
  if (stat.isSymbolicLink()) return { [path]: `link ${readlinkSync(join(at, path))}` };
  const content = stat.isFile()
    ? createHash('sha1')
        .update(readFileSync(join(at, path)))
        .digest('hex')
    : '';
  const own = { [path]: `${stat.mode.toString(8)} ${stat.mtimeMs} ${content}` };
  if (!stat.isDirectory()) return own;
  return Object.assign(own, ...readdirSync(join(at, path)).map((name) => everything(at, join(path, name)))) as never;
}

/** What git would keep: without times, without the agent's own git folder. */
export function files(at = tree): Record<string, string> {
  const all = Object.entries(everything(at)).filter(([path]) => path !== '' && !/(^|\/)\.git(\/|$)/.test(path));
  const plain = all.filter(([, what]) => !what.startsWith('4'));
  return Object.fromEntries(plain.map(([path, what]) => [path, what.replace(/^(\d+) \S+ /, '$1 ')]));
}

export function take(turn: number, more: Partial<CheckpointWish> = {}): Promise<Checkpoint> {
  const unmoved = () => Promise.resolve(true);
  const at = new Date(Date.UTC(2030, 0, 1, 0, turn)).toISOString();
  return worktrees.checkpoints.take(agentId, { turn, before: 'turn', at, memory: `memory ${turn}`, unmoved, ...more });
}

/** As a session does it: what is there now is kept first. */
export async function restore(to: number, saved: number): Promise<number> {
  expect(await take(saved, { before: 'restore', sparing: to })).not.toHaveProperty('missing');
  return worktrees.checkpoints.restore(agentId, to, saved);
}

export const turns = async () => (await worktrees.checkpoints.list(agentId)).map(({ turn }) => turn);
export const cellar = () => join(folder, 'root', 'agents', agentId, 'checkpoints');

/** As another start of the spoke does. */
export function reopen(checkpoints = { keptMax: 20, bytesMax: 2 ** 30 }): void {
  const inUse = () => Promise.resolve(lives);
  worktrees = new GitWorktrees({ root: join(folder, 'root'), allowFile: true, inUse, checkpoints });
}

export async function open(checkpoints = { keptMax: 20, bytesMax: 2 ** 30 }): Promise<void> {
  reopen(checkpoints);
  agentId = randomUUID();
  const repository = pathToFileURL(join(folder, 'source')).href;
  tree = (await worktrees.create({ agentId, repository, branch: 'main' }, never)).path;
}

/** Every kind of change that an agent can make to a file. */
export function havoc(): void {
  put('sum.js', 'two\n');
  rmSync(join(tree, 'lib'), { recursive: true });
  put('lib', 'a file now\n');
  rmSync(join(tree, 'run.sh'));
  symlinkSync(bait(), join(tree, 'run.sh'));
  put('new/deep/file', 'new\n');
  put('build/out', 'built\n');
  put('line\nbreak', 'odd\n');
}

/** Something of the agent lives, for all that the worktrees know. */
export function enliven(): void {
  lives = true;
}

/** A repository and a worktree of it, made anew for each test. */
export function withWorktree(): void {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'writ-checkpoints-'));
    lives = false;
    tree = join(folder, 'source');
    mkdirSync(tree);
    mkdirSync(outside());
    writeFileSync(bait(), 'untouched');
    git(tree, 'init', '--quiet', '--initial-branch=main');
    put('sum.js', 'one\n');
    put('lib/a.js', 'a\n');
    put('.gitignore', 'build/\n');
    put('run.sh', '#!/bin/sh\n');
    chmodSync(join(tree, 'run.sh'), 0o755);
    commitAll('first');
    await open();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}
