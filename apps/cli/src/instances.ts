// Finds the instance a command is for: what flags or the environment name, else what runs on this machine.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WritError } from '#protocol';
import { z } from 'zod';
import type { Flags, Role, World } from './world.js';

/** Which of the two a command is for; `either` takes the hub where both run. */
export type Nature = Role | 'either';

export interface Located {
  readonly url: string;
  readonly key?: string;
  readonly role?: Role;
}

const announcement = z.object({
  url: z.string(),
  role: z.enum(['hub', 'spoke']),
  name: z.string(),
  pid: z.int().positive(),
});
export type Running = z.infer<typeof announcement>;

/** The folder of an instance on this machine: `--state`, else `WRIT_STATE`, else `~/.writ/<role>`. */
export function stateDir(world: World, flags: Flags, role: Role): string {
  return flags.state ?? around(world, flags).WRIT_STATE ?? join(world.home, '.writ', role);
}

/** The address that is named: `--url`, else `WRIT_URL`. */
export function urlOf(world: World, flags: Flags): string | undefined {
  return flags.url ?? around(world, flags).WRIT_URL;
}

/** A key of a context never goes where the environment points. */
function around({ env }: World, { meant }: Flags): World['env'] {
  return meant === undefined ? env : {};
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The instance that announced itself in this folder and still lives. */
export function runningIn(dir: string): Running | undefined {
  const text = readText(join(dir, 'instance.json'));
  if (text === undefined) return undefined;
  try {
    const found = announcement.parse(JSON.parse(text));
    return isAlive(found.pid) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** The key that the first start left in this folder. */
function keyIn(dir: string): string | undefined {
  return readText(join(dir, 'cli.key'));
}

/** Whether others than the owner can read the file; undefined when it is not there. */
export function isExposed(file: string): boolean | undefined {
  try {
    return (statSync(file).mode & 0o077) !== 0;
  } catch {
    return undefined;
  }
}

function rolesOf(nature: Nature, flags: Flags): Role[] {
  if (nature !== 'either') return [nature];
  return flags.on ? [flags.on] : ['hub', 'spoke'];
}

/** @throws WritError `peer_unavailable` when nothing is named and nothing runs. */
export function locate(world: World, flags: Flags, nature: Nature): Located {
  const key = flags.key ?? world.env.WRIT_API_KEY;
  const url = urlOf(world, flags);
  const roles = rolesOf(nature, flags);
  const local = roles.map((role) => ({ dir: stateDir(world, flags, role), role }));
  const found = local.flatMap(({ dir, role }) => {
    const running = runningIn(dir);
    const fits = running?.role === role && (url === undefined || sameOrigin(url, running.url));
    return fits ? [{ url: running.url, role, key: key ?? keyIn(dir) }] : [];
  });
  if (found[0]) return found[0];
  if (url !== undefined) return { url, key };
  throw new WritError(
    'peer_unavailable',
    `No ${roles.join(' or ')} runs here. Start one with \`writ ${roles[0] ?? 'hub'}\`, or name one with --url.`,
  );
}

function sameOrigin(a: string, b: string): boolean {
  return URL.parse(a)?.origin === URL.parse(b)?.origin;
}
