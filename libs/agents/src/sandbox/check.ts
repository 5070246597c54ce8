// Sandbox room: what has to be right about a launch before anything is started.
import { access } from 'node:fs/promises';
import { isAbsolute, normalize } from 'node:path';
import { WritError } from '#protocol';
import { watchedDisk } from './disk-watch.js';
import type { LaunchSpec, Mount, ResourceLimits, SandboxProbe } from './sandbox.js';

const limitNames = [
  'memoryBytesMax',
  'pidsMax',
  'cpuPercentMax',
  'diskBytesMax',
] as const satisfies readonly (keyof ResourceLimits)[];

/** What a launch with these limits is held to, in the words of `SandboxProcess.enforced`. */
export function enforcedLimits(limits: ResourceLimits): readonly string[] {
  const names = limitNames.filter((name) => limits[name] !== undefined);
  return names.flatMap((name) => (name === 'diskBytesMax' ? watchedDisk : [name]));
}

/** Made by the sandbox itself: nothing may be laid over them. */
const reserved = /^\/((usr|bin|sbin|lib[^/]*|etc|proc|dev|sys)(\/|$)|$)/;
const environmentName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws WritError `sandbox_unavailable`, `limit_unenforceable`, `invalid_request`. */
export async function checkSpec(spec: LaunchSpec, probe: SandboxProbe): Promise<void> {
  if (!probe.ok) throw new WritError('sandbox_unavailable', [probe.reason, probe.cure].filter(Boolean).join(' '));
  const missing = limitNames.find((name) => spec.limits[name] !== undefined && !probe.enforceable.includes(name));
  if (missing)
    throw new WritError('limit_unenforceable', `This machine offers no way to hold an agent to \`${missing}\`.`, {
      field: `options.limits.${missing}`,
    });
  checkText(spec);
  for (const mount of spec.mounts) await checkMount(mount);
}

/** A NUL would end an argument early and begin another. */
function checkText({ argv, env, cwd }: LaunchSpec): void {
  const texts = [...argv, ...Object.values(env), cwd];
  if (texts.some((text) => text.includes('\0')) || !Object.keys(env).every((name) => environmentName.test(name)))
    throw new WritError(
      'invalid_request',
      'A program, its environment or its folder has a character that cannot be passed on.',
    );
}

async function checkMount({ from, to }: Mount): Promise<void> {
  const clean = [from, to].every((path) => isAbsolute(path) && normalize(path) === path && !path.includes('\0'));
  if (!clean || reserved.test(to)) throw new WritError('invalid_request', `Nothing can be mounted at \`${to}\`.`);
  await access(from).catch((cause: unknown) => {
    throw new WritError('sandbox_unavailable', `What belongs at \`${to}\` is missing on the spoke.`, { cause });
  });
}
