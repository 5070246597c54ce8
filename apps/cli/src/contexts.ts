// Instances by name: several hubs and spokes that one person works with, in one file of theirs.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WritError } from '#protocol';
import { z } from 'zod';
import { isExposed } from './instances.js';
import type { Flags, World } from './world.js';

const context = z.strictObject({
  url: z.string().optional(),
  key: z.string().optional(),
  ca: z.string().optional(),
  state: z.string().optional(),
  on: z.enum(['hub', 'spoke']).optional(),
});
/** What stands for the flags of the same names. */
export type Context = z.infer<typeof context>;

export const contextName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const contexts = z.strictObject({ current: contextName.optional(), contexts: z.record(contextName, context) });
export type Contexts = z.infer<typeof contexts>;

const fileOf = ({ home }: World) => join(home, '.writ', 'contexts.json');

/** None where there is no file. @throws WritError `config_invalid` for one that others can read or that is not one */
export function readContexts(world: World): Contexts {
  const file = fileOf(world);
  const exposed = isExposed(file);
  if (exposed === undefined) return { contexts: {} };
  if (exposed) throw new WritError('config_invalid', `${file} can be read by others: chmod 600 ${file}`);
  try {
    return contexts.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new WritError('config_invalid', `${file} is not a list of contexts: mend or remove it.`, { cause });
  }
}

/** Whole or not at all, for its owner alone. */
export function writeContexts(world: World, all: Contexts): void {
  const file = fileOf(world);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(contexts.parse(all), null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/**
 * What was typed, filled up from the context that is meant: `--context`, else, where nothing typed names an instance,
 * `WRIT_CONTEXT`, else, where the environment does not either, the current one. An address that was typed never gets the key
 * of a context. @throws WritError `invalid_request`
 */
export function withContext(world: World, given: Flags): Flags {
  const { env } = world;
  const [isTyped, isNamed] = [given.url ?? given.state, env.WRIT_URL ?? env.WRIT_STATE].map((one) => one !== undefined);
  if (given.context !== undefined && isTyped)
    throw new WritError('invalid_request', 'Give --context, or --url or --state.', { field: '--context' });
  if (isTyped || (isNamed && given.context === undefined && env.WRIT_CONTEXT === undefined)) return given;
  const { current, contexts } = readContexts(world);
  const name = given.context ?? env.WRIT_CONTEXT ?? current;
  if (name === undefined) return given;
  const found = contexts[name];
  if (!found) throw unknown(name, contexts);
  return { ...found, ...given, meant: name };
}

export function unknown(name: string, all: Contexts['contexts']): WritError {
  const known = Object.keys(all).join(', ') || 'none yet';
  return new WritError('invalid_request', `There is no context ${name}; there are: ${known}.`, { field: '--context' });
}
