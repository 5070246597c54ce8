// `writ fetch`: the branch of an agent, from wherever it ran, into the git repository of this folder or into a file.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { BundleDownload } from '#client';
import {
  agentBranch,
  agentRef,
  branchName,
  bundleHeadBytesMax,
  checkBundle,
  WritError,
  type BundleFacts,
} from '#protocol';
import { Desk } from '../desk.js';
import { git, GitFailure } from '../git.js';
import type { World } from '../world.js';
import { wholeId } from './ids.js';

interface FetchFlags {
  readonly bundle?: string;
  readonly branch?: string;
}

async function fetchBranch(given: string, { bundle, branch }: FetchFlags, desk: Desk): Promise<void> {
  const target = bundle === undefined ? undefined : freshFile(bundle);
  const wanted = branch === undefined ? undefined : named(branch);
  if (!target) await inRepository(desk.world);
  const folder = await mkdtemp(join(target ? dirname(target) : tmpdir(), '.writ-fetch-'));
  try {
    const file = join(folder, 'bundle');
    const { agentId, facts } = await download(desk, given, file);
    const told = { agentId, ...facts };
    if (target) await rename(file, target);
    else
      await intoRepository(desk.world, file, facts, [
        agentRef(agentId),
        `refs/heads/${wanted ?? agentBranch(agentId)}`,
      ]);
    showFetched(desk, told, target ?? wanted ?? agentBranch(agentId), target !== undefined);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function freshFile(file: string): string {
  const target = resolve(file);
  if (existsSync(target)) throw new WritError('invalid_request', `${target} exists already.`, { field: '--bundle' });
  return target;
}

function named(branch: string): string {
  const { success, error } = branchName.safeParse(branch);
  if (success) return branch;
  throw new WritError('invalid_request', `--branch: ${error.issues[0]?.message}`, { field: '--branch' });
}

async function inRepository(world: World): Promise<void> {
  await git(world, ['rev-parse', '--git-dir']).catch((error: unknown) => {
    if (!(error instanceof GitFailure)) throw error;
    const detail =
      'This folder is in no git repository: go to a clone of what the agent worked on, or give --bundle <file>.';
    throw new WritError('invalid_request', detail, { cause: error });
  });
}

async function download(desk: Desk, given: string, file: string) {
  return desk.with('either', async (client) => {
    const agentId = await wholeId(client, given);
    const { content, ...facts } = await client.agents.bundle(agentId, desk.world.signal);
    await write({ content, ...facts }, file, agentId);
    return { agentId, facts };
  });
}

/** Nothing is believed before all of it is here and is what was stated. @throws WritError `artifact_invalid` */
async function write({ content, ...facts }: BundleDownload, file: string, agentId: string): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(file, 'wx+', 0o600);
  try {
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes > facts.bytes) break;
      hash.update(chunk);
      await handle.write(chunk);
    }
    if (bytes !== facts.bytes || hash.digest('base64url') !== facts.sha256)
      throw new WritError(
        'artifact_invalid',
        'What came is not the bundle that was announced: it was cut off or changed.',
      );
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bundleHeadBytesMax), 0, bundleHeadBytesMax, 0);
    checkBundle(buffer.subarray(0, bytesRead), agentId, facts);
  } finally {
    await handle.close();
  }
}

/** Made, or moved forward; never forced, and never the branch that is checked out. */
async function intoRepository(
  world: World,
  file: string,
  { base }: BundleFacts,
  [from, to]: [string, string],
): Promise<void> {
  const quietly = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];
  try {
    await git(world, ['fetch', ...quietly, '--end-of-options', file, `${from}:${to}`]);
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    throw refused(error, base, to.replace('refs/heads/', ''));
  }
}

function refused(cause: GitFailure, base: string, branch: string): WritError {
  if (/prerequisite/.test(cause.said)) {
    const detail = `This repository lacks ${base}, which the agent began with: fetch the branch that it worked on first.`;
    return new WritError('invalid_request', detail, { cause });
  }
  const isTaken = /non-fast-forward|checked out|refusing to fetch/.test(cause.said);
  if (isTaken) {
    const detail = `\`${branch}\` is something else here, or is checked out: name another one with --branch.`;
    return new WritError('invalid_request', detail, { field: '--branch', cause });
  }
  return new WritError('internal', `git could not take the branch: ${cause.said.slice(0, 500)}`, { cause });
}

function showFetched(desk: Desk, told: BundleFacts & { agentId: string }, where: string, isFile: boolean): void {
  const { commit, base, bytes } = told;
  const lines = [
    ['commit', commit],
    ['began with', base],
    ['bytes', bytes],
  ] as const;
  desk.print.one({ ...told, [isFile ? 'file' : 'branch']: where }, [[isFile ? 'bundle' : 'branch', where], ...lines]);
  if (!isFile)
    desk.print.say(`Look at it with \`git log ${base.slice(0, 12)}..${where}\`; nothing else has changed here.`);
}

const examples = `
Examples:
  writ fetch 3f2a
  writ fetch 3f2a --branch review/sum
  writ fetch 3f2a --bundle work.bundle`;

export function addFetch(program: Command, world: World): void {
  program
    .command('fetch <agent>')
    .description('The branch of an agent, as a branch of the git repository of this folder')
    .option('--branch <name>', 'under this name; writ/<agent> by default')
    .option('--bundle <file>', 'as a git bundle in this file instead')
    .addHelpText('after', examples)
    .action((id: string, flags: FetchFlags, command: Command) => fetchBranch(id, flags, new Desk(world, command)));
}
