// Skills that the spoke lends to agents: folders with a SKILL.md, from an allow-list, mounted read-only.
// A folder is looked through before every mount: nothing in it may lead out of it.
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { WritError } from '#protocol';
import { skillsFolder } from '../runtimes/inside.js';
import type { AgentSkill } from '../runtimes/runtime.js';
import type { Mount } from '../sandbox/sandbox.js';
import type { SkillOptions } from './options.js';

export interface LentSkill {
  readonly skill: AgentSkill;
  readonly mount: Mount;
}

const entriesMax = 2_000;
const headBytesMax = 65_536;
const descriptionCharactersMax = 1_000;

/** @throws WritError `skill_unknown`: not in the list, or a folder that may not be lent. */
export async function lendSkill(options: SkillOptions, name: string): Promise<LentSkill> {
  const folder = Object.hasOwn(options, name) ? options[name] : undefined;
  if (folder === undefined) throw unknownSkill(name, 'this spoke does not have it');
  try {
    const from = await inspect(folder);
    const path = `${skillsFolder}/${name}`;
    const description = descriptionIn(await head(join(from, 'SKILL.md')));
    return { skill: { name, description, path }, mount: { from, to: path } };
  } catch (error) {
    throw unknownSkill(name, error instanceof HostileSkill ? error.message : 'its folder cannot be read', error);
  }
}

class HostileSkill extends Error {}

/** The real folder, when it is one and holds nothing but files and folders. */
async function inspect(folder: string): Promise<string> {
  const from = await realpath(folder);
  const entries = await readdir(from, { withFileTypes: true, recursive: true });
  if (entries.length > entriesMax) throw new HostileSkill(`its folder has more than ${entriesMax} entries`);
  const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (odd) throw new HostileSkill(`its folder holds ${odd.name}, which is neither a file nor a folder`);
  const sheet = await lstat(join(from, 'SKILL.md')).catch(() => undefined);
  if (!sheet?.isFile()) throw new HostileSkill('its folder has no SKILL.md');
  return from;
}

async function head(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(headBytesMax), 0, headBytesMax, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The `description` of the front matter, as one line; else the first line of prose. */
function descriptionIn(text: string): string {
  const [, matter = '', body = text] = /^---\r?\n(.*?)\r?\n---\r?\n?(.*)$/s.exec(text) ?? [];
  const stated = /^description:[ \t]*(?:[>|][+-]?[ \t]*\r?\n)?((?:.*)(?:\r?\n[ \t]+.*)*)/m.exec(matter)?.[1];
  const prose = body.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#'));
  const line = (stated ?? prose ?? '').replaceAll(/\s+/g, ' ').trim();
  return line.replace(/^(["'])(.*)\1$/, '$2').slice(0, descriptionCharactersMax);
}

function unknownSkill(name: string, why: string, cause?: unknown): WritError {
  return new WritError('skill_unknown', `The skill ${name} cannot be used: ${why}.`, {
    field: 'context.skills',
    cause,
  });
}
