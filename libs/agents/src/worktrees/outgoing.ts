// Worktrees room: everything that a push of some work would send, object by object. A diff of both ends would not do: what was
// committed and taken back again is sent too, and so are messages and names.
import { WritError } from '#protocol';
import { git } from './git.js';
import type { Outgoing, OutgoingBounds, OutgoingPiece } from './worktrees.js';

interface Work {
  readonly gitDir: string;
  readonly base: string;
  readonly commit: string;
}

/** An object as it is listed, before anything of it is read. */
interface Listed extends Pick<OutgoingPiece, 'kind' | 'names'> {
  readonly hash: string;
  readonly bytes: number;
}

const listBytesMax = 16 * 2 ** 20;
const groupBytesMax = 4 * 2 ** 20;
/** Of a header line of `cat-file`, with room. */
const headerBytes = 200;
const gitlink = '160000';
const hashLength = 40;

type Placed = ReadonlyMap<string, readonly string[]>;

/** @throws WritError `too_large` */
export async function outgoing(work: Work, bounds: OutgoingBounds): Promise<Outgoing> {
  const placed = await touched(work);
  const objects = await sized(work, await newHashes(work), placed);
  const whole = objects.reduce((sum, { bytes }) => sum + bytes, 0);
  if (whole > bounds.bytesMax) throw tooLarge(`The work holds ${whole} bytes of new content`, bounds.bytesMax);
  const large = objects.find(({ bytes }) => bytes > bounds.fileBytesMax);
  if (large) throw tooLarge(`One new object holds ${large.bytes} bytes`, bounds.fileBytesMax);
  return {
    commit: work.commit,
    paths: [...new Set([...placed.values()].flat())],
    added: () => read(work, objects),
    before: () => formerly(work, bounds),
  };
}

function tooLarge(what: string, max: number): WritError {
  return new WritError('too_large', `${what}, more than the ${max} that are looked through.`);
}

/** A list that was cut is no list. */
async function whole(work: Work, args: readonly [string, ...string[]], input?: string): Promise<string> {
  const { text, truncated } = await git(args, { gitDir: work.gitDir, outputBytesMax: listBytesMax, input });
  if (truncated) throw tooLarge('The work has too many objects: their list alone holds', listBytesMax);
  return text;
}

/** Of all that the base has not, each once. */
async function newHashes(work: Work): Promise<readonly string[]> {
  const text = await whole(work, ['rev-list', '--objects', work.commit, `^${work.base}`]);
  const hashes = text.split('\n').map((line) => line.slice(0, hashLength));
  return hashes.filter(Boolean);
}

const raw = ['--raw', '-z', '--no-abbrev', '--no-renames', '--no-ext-diff', '--no-textconv'] as const;

/** Paths by what every commit put there. Merges are compared with each parent, and a file that moved is a new one. */
async function touched(work: Work): Promise<Placed> {
  const args = ['-m', '--root', '--format=', '--no-show-signature', ...raw];
  return placedBy(await whole(work, ['log', ...args, work.commit, `^${work.base}`, '--']), 'new');
}

/** Of git's raw format: `:mode mode old new status`, then the path. */
function placedBy(text: string, which: 'old' | 'new'): Placed {
  const placed = new Map<string, string[]>();
  const fields = text.split('\0');
  for (let at = 0; at + 1 < fields.length; at++) {
    const [, before, after, old, now] = /^\n*:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) /.exec(fields[at] ?? '') ?? [];
    if (before === undefined) continue;
    const [mode, hash = ''] = which === 'old' ? [before, old] : [after, now];
    const key = mode === gitlink ? '' : hash;
    placed.set(key, [...(placed.get(key) ?? []), fields[++at] ?? '']);
  }
  return placed;
}

/** Trees are left out: the names in them are among the paths. @throws WritError for an object that is not there */
async function sized(work: Work, hashes: readonly string[], placed: Placed): Promise<readonly Listed[]> {
  const input = hashes.map((hash) => `${hash}\n`).join('');
  const lines = (await whole(work, ['cat-file', '--batch-check', '--buffer'], input)).split('\n').filter(Boolean);
  return lines.flatMap((line): Listed[] => {
    const [hash = '', type, bytes] = line.split(' ');
    if (type === 'tree') return [];
    if (type === 'commit') return [{ hash, kind: 'commit', names: [hash], bytes: Number(bytes) }];
    if (type === 'blob') return [{ hash, kind: 'file', names: placed.get(hash) ?? [], bytes: Number(bytes) }];
    throw new WritError('internal', 'An object of the work is not there, or is of an unknown kind.');
  });
}

async function* formerly(work: Work, { fileBytesMax }: OutgoingBounds): AsyncIterable<readonly OutgoingPiece[]> {
  const placed = placedBy(await whole(work, ['diff', ...raw, work.base, work.commit, '--']), 'old');
  const hashes = [...placed.keys()].filter((hash) => /[1-9a-f]/.test(hash));
  const objects = await sized(work, hashes, placed);
  yield* read(
    work,
    objects.filter(({ bytes }) => bytes <= fileBytesMax),
  );
}

async function* read(work: Work, objects: readonly Listed[]): AsyncIterable<readonly OutgoingPiece[]> {
  for (let from = 0; from < objects.length;) {
    let [to, bytes] = [from, 0];
    while (to < objects.length && (to === from || bytes + (objects[to]?.bytes ?? 0) <= groupBytesMax))
      bytes += objects[to++]?.bytes ?? 0;
    yield await contents(work, objects.slice(from, to), bytes);
    from = to;
  }
}

/** @throws WritError when what came is not what was listed */
async function contents(
  { gitDir }: Work,
  objects: readonly Listed[],
  bytes: number,
): Promise<readonly OutgoingPiece[]> {
  const input = objects.map(({ hash }) => `${hash}\n`).join('');
  const outputBytesMax = bytes + objects.length * headerBytes;
  const { text } = await git(['cat-file', '--batch', '--buffer'], {
    ...{ gitDir, input, outputBytesMax, encoding: 'latin1' },
  });
  let at = 0;
  return objects.map(({ hash, kind, names, bytes: length }) => {
    const begin = text.indexOf('\n', at) + 1;
    const isIt = text.startsWith(`${hash} `, at) && text.length > begin + length;
    if (!isIt) throw new WritError('internal', 'The work could not be read as it was listed.');
    at = begin + length + 1;
    return { kind, names, bytes: Buffer.from(text.slice(begin, begin + length), 'latin1') };
  });
}
