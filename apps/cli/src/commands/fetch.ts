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
import { amount } from '../progress/words.js';
import { takeBundle } from '../take-bundle.js';
import type { World } from '../world.js';
import { wholeId } from './ids.js';
import { told } from './waiting.js';

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
    const { agentId, facts, packAt } = await download(desk, given, file);
    const fetched = { agentId, ...facts };
    desk.wait('Looking through what came, object by object');
    if (target) await rename(file, target);
    else
      await takeBundle(desk.world, file, { packAt, base: facts.base }, [
        agentRef(agentId),
        `refs/heads/${wanted ?? agentBranch(agentId)}`,
      ]);
    showFetched(desk, fetched, target ?? wanted ?? agentBranch(agentId), target !== undefined);
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
    desk.wait(`Waiting for the branch of ${agentId}`);
    const { content, ...facts } = await client.agents.bundle(agentId, desk.world.signal);
    const show = (bytes: number) => desk.wait(`Fetching ${amount(bytes)} of ${amount(facts.bytes)}`);
    const packAt = await write({ content: told(content, show), ...facts }, file, agentId);
    return { agentId, facts, packAt };
  });
}

/** Nothing is believed before all of it is here and is what was stated. Where its pack begins. @throws WritError `artifact_invalid` */
async function write({ content, ...facts }: BundleDownload, file: string, agentId: string): Promise<number> {
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
    return checkBundle(buffer.subarray(0, bytesRead), agentId, facts);
  } finally {
    await handle.close();
  }
}

function showFetched(desk: Desk, fetched: BundleFacts & { agentId: string }, where: string, isFile: boolean): void {
  const { commit, base, bytes } = fetched;
  const lines = [
    ['commit', commit],
    ['began with', base],
    ['bytes', bytes],
  ] as const;
  desk.print.one({ ...fetched, [isFile ? 'file' : 'branch']: where }, [
    [isFile ? 'bundle' : 'branch', where],
    ...lines,
  ]);
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
