// The grant for who writes one by hand: its JSON Schema, and every fault of a text with what would be allowed there.
import { z } from 'zod';
import { grant, type Grant } from './grant.js';

/** Where the schema says it lives; nothing is fetched from there. */
const schemaId = 'urn:writ:grant:1';

/** The part of JSON Schema 2020-12 that a grant uses. */
export interface GrantSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, GrantSchema>>;
  readonly items?: GrantSchema;
  readonly anyOf?: readonly GrantSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly [keyword: string]: unknown;
}

/** JSON Schema 2020-12 of a grant as it is written; a `$schema` for the editor may stand in it. */
export function grantJsonSchema(): GrantSchema {
  const made = z.toJSONSchema(grant, { io: 'input' }) as GrantSchema;
  const properties = { $schema: { type: 'string', description: 'For your editor' }, ...made.properties };
  return { ...made, $id: schemaId, title: 'What a spoke lets one hub do', properties };
}

/** One thing that keeps a text from being a grant. */
export interface GrantFault {
  /** Where it stands: `operations[1]`, `limits.turnsMax`; empty for the whole. */
  readonly path: string;
  /** What stands there, as JSON and cut; undefined when nothing does. */
  readonly found?: string;
  readonly allowed: string;
}

export type GrantReading = { readonly ok: true; readonly grant: Grant } | { ok: false; faults: readonly GrantFault[] };

const foundCharsMax = 80;

/** Reads a value as a grant, with every fault at once. A `$schema` for the editor is left out. */
export function readGrant(value: unknown): GrantReading {
  const bare = isObject(value) ? withoutSchema(value) : value;
  const parsed = grant.safeParse(bare);
  if (parsed.success) return { ok: true, grant: parsed.data };
  return { ok: false, faults: parsed.error.issues.flatMap((issue) => faultsOf(issue, bare)) };
}

function faultsOf(issue: z.core.$ZodIssue, value: unknown): GrantFault[] {
  const node = schemaAt(issue.path);
  if (issue.code !== 'unrecognized_keys') {
    const allowed = issue.code === 'invalid_format' ? issue.message.replace(/^must be /, '') : inWords(node);
    return [{ path: pathText(issue.path), ...foundAt(value, issue.path), allowed }];
  }
  const fields = `one of the fields ${Object.keys(node?.properties ?? {}).join(', ')}`;
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    return { path: pathText(path), ...foundAt(value, path), allowed: fields };
  });
}

function foundAt(value: unknown, path: readonly PropertyKey[]): { found?: string } {
  const there = path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step], value);
  const text = JSON.stringify(there) as string | undefined;
  if (text === undefined) return {};
  return { found: text.length > foundCharsMax ? `${text.slice(0, foundCharsMax - 1)}…` : text };
}

function pathText(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`));
  return steps.join('').replace(/^\./, '');
}

function schemaAt(path: readonly PropertyKey[]): GrantSchema | undefined {
  const whole = z.toJSONSchema(grant, { io: 'input' }) as GrantSchema;
  return path.reduce<GrantSchema | undefined>((node, step) => memberOf(node, step), whole);
}

function memberOf(node: GrantSchema | undefined, step: PropertyKey): GrantSchema | undefined {
  if (typeof step === 'number') return node?.items;
  const own = node?.properties?.[String(step)];
  return own ?? node?.anyOf?.map((one) => memberOf(one, step)).find((found) => found !== undefined);
}

/** What may stand at one place. */
function inWords(node: GrantSchema | undefined): string {
  if (!node) return 'what `writ grants schema` says';
  if (node.anyOf) return node.anyOf.map(inWords).join(' or ');
  if (node.enum) return node.enum.map(String).join(', ');
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.type === 'integer') return `a whole number from ${node.minimum ?? 0} to ${node.maximum ?? 'any'}`;
  if (node.type === 'array') return `a list of up to ${node.maxItems ?? 'any'}: ${inWords(node.items)}`;
  if (node.type === 'object') return `an object with ${Object.keys(node.properties ?? {}).join(', ')}`;
  return node.maxLength === undefined ? 'text' : `text of up to ${node.maxLength} characters`;
}

function withoutSchema(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== '$schema'));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
