// Sandbox room: a cgroup of version 2 that a service manager has given to the user of the spoke (systemd: `Delegate=yes`).
// It comes with the spoke inside and hands nothing on: a group that has processes may not (cgroups(7), "no internal processes").
//
//   writ-spoke.service  [spoke]           writ-spoke.service  hands on memory, pids, cpu
//                                   ──▶     ├─ spoke  [spoke, and what it starts]
//                                           └─ writ-…  one for each agent with limits
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { descendantsOf, identify } from './process.js';

const ownName = 'spoke';

/**
 * Of the groups from `folder` up to `top` the first one that belongs to this user and has any of these controllers hands them on
 * from now on. Nothing changes in one where others have processes too. True when one does.
 */
export async function takeOver(folder: string, top: string, wanted: readonly string[]): Promise<boolean> {
  for (let group = folder; group.startsWith(top) && (await isOwn(group)); group = dirname(group)) {
    const there = (await words(group, 'cgroup.controllers')).filter((name) => wanted.includes(name));
    if (there.length > 0) return handOn(group, there);
  }
  return false;
}

async function handOn(group: string, controllers: readonly string[]): Promise<boolean> {
  const ours = new Set(
    descendantsOf(
      [identify(process.pid)].flatMap((self) => self ?? []),
      randomUUID(),
    ).map(({ pid }) => pid),
  );
  const inside = (await words(group, 'cgroup.procs')).map(Number);
  if (!inside.every((pid) => ours.has(pid))) return false;
  if (inside.length > 0) await moveDown(group, inside);
  const handed = controllers.map((name) => isWritten(join(group, 'cgroup.subtree_control'), `+${name}`));
  return (await Promise.all(handed)).includes(true);
}

/** This process first: what it starts from then on is born below. */
async function moveDown(group: string, pids: readonly number[]): Promise<void> {
  const own = join(group, ownName);
  await mkdir(own, { recursive: true });
  const isUs = (pid: number) => pid === process.pid;
  for (const pid of [...pids.filter(isUs), ...pids.filter((one) => !isUs(one))])
    await isWritten(join(own, 'cgroup.procs'), String(pid));
}

async function isOwn(group: string): Promise<boolean> {
  return stat(group).then(
    ({ uid }) => uid === process.getuid?.(),
    () => false,
  );
}

/** A process may have ended, a controller may be held back: what does not go is left. */
async function isWritten(file: string, text: string): Promise<boolean> {
  return writeFile(file, text).then(
    () => true,
    () => false,
  );
}

async function words(group: string, file: string): Promise<string[]> {
  const text = await readFile(join(group, file), 'utf8').catch(() => '');
  return text.split(/\s+/).filter(Boolean);
}
