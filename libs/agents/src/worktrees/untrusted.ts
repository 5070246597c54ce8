// Worktrees room, the trust boundary: the git folder in a worktree belongs to the agent. Here the host reads it, as data and without git:
// plain files only, no links followed, sizes bounded, and of objects only those whose content has the name that they bear.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { branchName } from '#protocol';

const inflateFully = promisify(inflate);

const refBytesMax = 4_096;
const refsMax = 200;
const refDepthMax = 8;
const packedRefsBytesMax = 4 * 2 ** 20;
const objectBytesMax = 256 * 2 ** 20;
const packBytesMax = 2 * 2 ** 30;
const objectsMax = 200_000;
const commit = /^[0-9a-f]{40}$/;

export interface Tips {
  readonly head: string | null;
  /** The branch that HEAD stands for, if any. */
  readonly branch?: string;
  readonly others: readonly string[];
}

/** What the agent's refs name: HEAD, null when it cannot be read, and all other branches and the newest stash. */
export async function readTips(gitDir: string): Promise<Tips> {
  const refs = await readRefs(gitDir);
  const text = (await readText(join(gitDir, 'HEAD'), refBytesMax))?.trim() ?? '';
  const named = /^ref: (.*)$/.exec(text)?.[1] ?? '';
  const head = commit.test(text) ? text : (refs.get(named) ?? null);
  const branch = branchName.safeParse(named.replace(/^refs\/heads\//, '')).data;
  return {
    head,
    ...(branch === undefined ? {} : { branch }),
    others: [...new Set(refs.values())].filter((tip) => tip !== head),
  };
}

/** A loose ref counts more than a packed one. */
async function readRefs(gitDir: string): Promise<ReadonlyMap<string, string>> {
  const refs = packedRefs((await readText(join(gitDir, 'packed-refs'), packedRefsBytesMax)) ?? '');
  for (const name of [...(await looseRefs(gitDir, 'refs/heads')), 'refs/stash']) {
    const id = (await readText(join(gitDir, name), refBytesMax))?.trim() ?? '';
    if (commit.test(id) && refs.size < refsMax) refs.set(name, id);
  }
  return refs;
}

function packedRefs(text: string): Map<string, string> {
  const lines = text.split('\n').map((line) => /^([0-9a-f]{40}) (refs\/heads\/\S+|refs\/stash)$/.exec(line));
  return new Map(lines.slice(0, refsMax).flatMap((match) => (match ? [[match[2] ?? '', match[1] ?? '']] : [])));
}

async function looseRefs(gitDir: string, folder: string, depth = 0): Promise<readonly string[]> {
  if (depth > refDepthMax) return [];
  const names = (await list(join(gitDir, folder))).slice(0, refsMax).map((name) => `${folder}/${name}`);
  const below = await Promise.all(names.map((name) => looseRefs(gitDir, name, depth + 1)));
  return [...names, ...below.flat()];
}

/** Copies the agent's loose objects into an object folder of ours. What is no object of its name is left behind. */
export async function copyLooseObjects(gitDir: string, objects: string): Promise<void> {
  const folders = (await list(join(gitDir, 'objects'))).filter((name) => /^[0-9a-f]{2}$/.test(name));
  let left = objectsMax;
  for (const folder of folders) {
    const names = (await list(join(gitDir, 'objects', folder))).filter((name) => /^[0-9a-f]{38}$/.test(name));
    left -= names.length;
    if (left < 0) throw new Error(`more than ${objectsMax} loose objects`);
    await mkdir(join(objects, folder), { recursive: true });
    for (const name of names) await copyObject(join(gitDir, 'objects', folder, name), join(objects, folder, name));
  }
}

async function copyObject(from: string, to: string): Promise<void> {
  const packed = await readPlain(from, objectBytesMax);
  const content = packed && (await inflateFully(packed, { maxOutputLength: objectBytesMax }).catch(() => null));
  const name = content && createHash('sha1').update(content).digest('hex');
  if (packed && name && to.endsWith(`${name.slice(0, 2)}/${name.slice(2)}`))
    await writeFile(to, packed, { mode: 0o444 });
}

/** The agent's packs, opened for reading; git has to index them anew. `known` are those that we made ourselves. */
export async function* packs(gitDir: string, known: ReadonlySet<string>): AsyncGenerator<Buffer> {
  const folder = join(gitDir, 'objects', 'pack');
  const names = (await list(folder)).filter((name) => name.endsWith('.pack') && !known.has(name));
  for (const name of names) {
    const pack = await readPlain(join(folder, name), packBytesMax);
    if (pack) yield pack;
  }
}

/** Names in a folder that is really there: not through a link anywhere on the way. */
async function list(folder: string): Promise<readonly string[]> {
  return (await isPlain(folder)) ? readdir(folder).catch(() => []) : [];
}

async function readText(path: string, bytesMax: number): Promise<string | null> {
  return (await readPlain(path, bytesMax))?.toString('latin1') ?? null;
}

/** Null for a link, a pipe, a device, something too large or absent. */
async function readPlain(path: string, bytesMax: number): Promise<Buffer | null> {
  if (!(await isPlain(dirname(path)))) return null;
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  try {
    const stat = await file?.stat();
    return file && stat?.isFile() && stat.size <= bytesMax ? await file.readFile() : null;
  } finally {
    await file?.close();
  }
}

async function isPlain(folder: string): Promise<boolean> {
  const stat = await lstat(folder).catch(() => null);
  return Boolean(stat?.isDirectory()) && (await realpath(folder)) === folder;
}
