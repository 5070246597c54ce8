// Configuration: one JSON file and the environment (which wins), checked as a whole against the app's own schema.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { WritError } from '#protocol';
import { z } from 'zod';

/** Names with our prefix that belong to others: the command line and the tests. */
const foreign = /^WRIT_(URL|STATE|API_KEY|CONFIG|SOAK|TEST_.*)$/;
const prefix = 'WRIT_';
const faultsMax = 50;

type Tree = Record<string, unknown>;

export interface ConfigSource<S extends z.ZodObject> {
  readonly schema: S;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A JSON file; it has to be there when it is named. `WRIT_CONFIG` names one too. */
  readonly file?: string;
  /** Arguments of the process: `--port --host --name --state DIR --config FILE`. They win over all else. */
  readonly argv?: readonly string[];
}

/**
 * The one frozen configuration of an app. `WRIT_AGENTS__LIVE_MAX=5` sets `agents.liveMax`.
 * @throws WritError `config_invalid` that lists every fault at once.
 */
export function loadConfig<S extends z.ZodObject>(source: ConfigSource<S>): z.output<S> {
  const faults: string[] = [];
  const { config, ...flags } = startFlags(source.argv ?? [], faults);
  const file = config ?? source.file ?? source.env.WRIT_CONFIG;
  const fromFile = file === undefined ? {} : readTree(file, faults);
  const fromEnv = envTree(source.schema, source.env, faults);
  const merged = merge(merge(fromFile, fromEnv), flagTree(source.schema, flags));
  const parsed = source.schema.safeParse(merged);
  if (!parsed.success) faults.push(...parsed.error.issues.flatMap(sentences));
  faults.push(...placeholders(merged));
  if (parsed.success && faults.length === 0) return deepFreeze(parsed.data);
  throw new WritError('config_invalid', faults.slice(0, faultsMax).join('\n'), { field: faults[0]?.split(':', 1)[0] });
}

type StartFlags = Partial<Record<'config' | 'state' | 'host' | 'name' | 'port', string>>;

function startFlags(argv: readonly string[], faults: string[]): StartFlags {
  const text = { type: 'string' } as const;
  const options = { config: text, state: text, host: text, name: text, port: text };
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    faults.push(`arguments: ${error instanceof Error ? error.message : 'cannot be read'}`);
    return {};
  }
}

/** The settings behind the flags; the state folder is the setting `stateDir`. */
function flagTree(schema: z.ZodObject, { state, ...rest }: StartFlags): Tree {
  const named = Object.entries({ ...rest, ...(state !== undefined && { stateDir: state }) });
  return Object.fromEntries(named.map(([name, value]) => [name, valueOf(leafOf(schema, [name]) ?? z.string(), value)]));
}

function readTree(file: string, faults: string[]): Tree {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isTree(parsed)) return parsed;
    faults.push(`${file}: must hold one JSON object`);
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    faults.push(`${file}: ${why}`);
  }
  return {};
}

function envTree(schema: z.ZodObject, env: ConfigSource<z.ZodObject>['env'], faults: string[]): Tree {
  const tree: Tree = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(prefix) || value === undefined || foreign.test(name)) continue;
    const path = name.slice(prefix.length).split('__').map(camel);
    const leaf = leafOf(schema, path);
    if (leaf) plant(tree, path, valueOf(leaf, value));
    else faults.push(`${name}: there is no such setting`);
  }
  return tree;
}

const camel = (part: string) => part.toLowerCase().replace(/_(.)/g, (_match, char: string) => char.toUpperCase());

function leafOf(schema: z.core.$ZodType, [head, ...rest]: string[]): z.core.$ZodType | undefined {
  const bare = unwrap(schema);
  if (head === undefined) return schema;
  if (!(bare instanceof z.ZodObject) || !Object.hasOwn(bare.shape, head)) return undefined;
  return leafOf((bare.shape as Record<string, z.core.$ZodType>)[head] ?? bare, rest);
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const wrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return wrapped ? unwrap(schema.unwrap()) : schema;
}

/** A string where the setting takes one; else numbers, booleans, lists and objects as JSON. */
function valueOf(leaf: z.core.$ZodType, value: string): unknown {
  if (z.safeParse(leaf, value).success) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function plant(tree: Tree, path: readonly string[], value: unknown): void {
  const [head = '', ...rest] = path;
  if (rest.length === 0) tree[head] = value;
  else plant((tree[head] = isTree(tree[head]) ? tree[head] : {}), rest, value);
}

function merge(under: Tree, over: Tree): Tree {
  const merged: Tree = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name];
    if (value !== undefined) merged[name] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sentences(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [`${at || 'configuration'}: ${issue.message}`];
  return issue.keys.map((key) => `${[...issue.path, key].join('.')}: there is no such setting`);
}

const secretName = /(key|secret|token|password)$/i;
const placeholder =
  /^(change-?_?me.*|placeholder|secret|password|example.*|your[-_ ].*|<.*>|x{3,}|todo|replace.*|test|dummy)$/i;

/** [O-8] a value that was copied from an example is no secret. */
function placeholders(tree: Tree, path: readonly string[] = []): string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    if (isTree(value)) return placeholders(value, [...path, name]);
    const isFake = typeof value === 'string' && secretName.test(name) && placeholder.test(value.trim());
    return isFake ? [`${[...path, name].join('.')}: is a placeholder; put in a real secret`] : [];
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
