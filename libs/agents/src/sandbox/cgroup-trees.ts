// Sandbox room: where cgroups can be made, as the kernel's mounts tell and a try at writing shows.
import { access, constants, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { takeOver } from './cgroup-delegation.js';

const controllers = ['memory', 'pids', 'cpu'] as const;
type Controller = (typeof controllers)[number];

/** Where groups can be made, by controller; a controller that is not ours to use is absent. */
export interface CgroupTree {
  readonly version: 1 | 2;
  readonly bases: Partial<Record<Controller, string>>;
}

/** What the kernel offers to this process, found by looking and by trying to write. `proc` is where it tells of this process. */
export async function findCgroups(proc = '/proc/self'): Promise<CgroupTree> {
  const mounts = parseMounts(await readFile(join(proc, 'mountinfo'), 'utf8'));
  const own = parseOwn(await readFile(join(proc, 'cgroup'), 'utf8'));
  const version2 = await findVersion2(mounts, own);
  return Object.keys(version2.bases).length > 0 ? version2 : findVersion1(mounts, own);
}

/** The tops of the trees, for whoever makes groups by absolute paths; and all places where a group of one path can be. */
export async function findRoots(
  version: 1 | 2,
): Promise<{ readonly tree: CgroupTree; readonly points: readonly string[] }> {
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8')).filter(({ root }) => root === '/');
  const tree = await (version === 2 ? findVersion2 : findVersion1)(mounts, new Map());
  return { tree, points: mounts.map(({ point }) => point) };
}

interface CgroupMount {
  readonly type: string;
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** proc(5): `36 35 98:0 /root /point options optional… - type source options`. */
function parseMounts(text: string): readonly CgroupMount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', point = '/'] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    return type.startsWith('cgroup') ? [{ type, root, point, options: options.split(',') }] : [];
  });
}

/** cgroups(7): `4:memory:/path`; the line of version 2 names no controller. */
function parseOwn(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  return new Map(
    lines.flatMap((match) => match?.[1]?.split(',').map((name): [string, string] => [name, match[2] ?? '/']) ?? []),
  );
}

function ownFolder(mount: CgroupMount, path: string): string {
  const below = relative(mount.root, path);
  return below.startsWith('..') ? mount.point : join(mount.point, below);
}

async function findVersion1(mounts: readonly CgroupMount[], own: ReadonlyMap<string, string>): Promise<CgroupTree> {
  const bases: Partial<Record<Controller, string>> = {};
  for (const controller of controllers) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
    const base = mount && ownFolder(mount, own.get(controller) ?? '/');
    if (base && (await isWritable(base))) bases[controller] = base;
  }
  return { version: 1, bases };
}

/** A user beside root who finds nothing may have been given a group that hands nothing on yet. */
async function findVersion2(mounts: readonly CgroupMount[], own: ReadonlyMap<string, string>): Promise<CgroupTree> {
  const mount = mounts.find(({ type }) => type === 'cgroup2');
  if (!mount) return { version: 2, bases: {} };
  const folder = ownFolder(mount, own.get('') ?? '/');
  const bases = await handedOn(folder, mount.point);
  const isBare = Object.keys(bases).length === 0 && process.getuid?.() !== 0;
  if (!isBare || !(await takeOver(folder, mount.point, controllers))) return { version: 2, bases };
  return { version: 2, bases: await handedOn(folder, mount.point) };
}

/** The nearest folder above us that hands its controllers to children and is ours to write: cgroups(7), delegation. */
async function handedOn(own: string, top: string): Promise<Partial<Record<Controller, string>>> {
  const bases: Partial<Record<Controller, string>> = {};
  for (let folder = own; folder.startsWith(top); folder = dirname(folder)) {
    const handed = (await readFile(join(folder, 'cgroup.subtree_control'), 'utf8').catch(() => '')).trim().split(' ');
    if (!(await isWritable(folder))) continue;
    for (const controller of controllers) if (handed.includes(controller)) bases[controller] ??= folder;
  }
  return bases;
}

async function isWritable(folder: string): Promise<boolean> {
  return access(join(folder, 'cgroup.procs'), constants.W_OK).then(
    () =>
      access(folder, constants.W_OK).then(
        () => true,
        () => false,
      ),
    () => false,
  );
}
