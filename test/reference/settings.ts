// The table of settings, out of the schemas that check them; what a setting is for stands as its comment in the source.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { hubConfig } from '../../apps/hub/src/config.js';
import { spokeConfig } from '../../apps/spoke/src/config.js';
import { root } from '../support/instance.js';
import { row, type Row } from './table.js';

interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Shape;
  readonly default?: unknown;
}

/** Whose comments say what the settings below a path are for; of several paths the longest one that fits. */
const sources: Readonly<Record<'hub' | 'spoke', Readonly<Record<string, string>>>> = {
  hub: {
    '': 'apps/hub/src/config.ts',
    broker: 'libs/federation/src/links/broker/options.ts',
    tracing: 'libs/tracing/src/options.ts',
    console: 'libs/api/src/console/options.ts',
    'console.oidc': 'libs/api/src/sign-in/oidc/options.ts',
  },
  spoke: {
    '': 'apps/spoke/src/config.ts',
    broker: 'libs/federation/src/links/broker/options.ts',
    tracing: 'libs/tracing/src/options.ts',
    console: 'libs/api/src/console/options.ts',
    'console.oidc': 'libs/api/src/sign-in/oidc/options.ts',
    agents: 'libs/agents/src/options.ts',
    'agents.limits': 'libs/protocol/src/agent.ts',
    'agents.ceilings': 'libs/protocol/src/agent.ts',
    pool: 'libs/agents/src/pool/options.ts',
    checkpoints: 'libs/agents/src/worktrees/checkpoints/options.ts',
    gc: 'libs/agents/src/gc/options.ts',
    budget: 'libs/agents/src/spending/options.ts',
    review: 'libs/agents/src/review/options.ts',
    'review.secrets': 'libs/agents/src/secrets/options.ts',
    profiles: 'libs/agents/src/profiles/options.ts',
    'sandbox.docker': 'libs/agents/src/sandbox/docker.options.ts',
  },
};
const runtimeSources = (kind: string) => [
  `libs/agents/src/runtimes/${kind}/${kind}.options.ts`,
  'libs/agents/src/model/options.ts',
];

type Said = (path: readonly string[]) => string;

function saidIn(role: keyof typeof sources): Said {
  const files = Object.entries(sources[role]).sort(([one], [other]) => other.length - one.length);
  return (path) => {
    const below = (prefix: string) => prefix === '' || `${path.join('.')}.`.startsWith(`${prefix}.`);
    const found = files.filter(([prefix]) => below(prefix)).map(([, file]) => comments(file).get(path.at(-1) ?? ''));
    return found.find((said) => said !== undefined) ?? '';
  };
}

/** The comment above each member, by its name; the first of a name wins. */
function comments(file: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(root, file), 'utf8');
  const pairs = [...text.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s+(\w+):/g)].map(([, said = '', name = '']) => {
    return [name, said.replace(/\s*\n\s*\* ?/g, ' ').trim()] as const;
  });
  return new Map(pairs.reverse());
}

const environmentName = (path: readonly string[]) =>
  `WRIT_${path.map((part) => part.replace(/[A-Z]/g, (char) => `_${char}`).toUpperCase()).join('__')}`;

function kindOf(shape: Shape): string {
  const { type, enum: words, const: word } = shape;
  if (words) return words.map(String).join(', ');
  if (word !== undefined) return word;
  if (type === 'array') return `list of ${shape.items ? kindOf(shape.items) : 'values'}`;
  if (type === 'integer')
    return `${shape.minimum ?? ''}–${shape.maximum === Number.MAX_SAFE_INTEGER ? '' : (shape.maximum ?? '')}`;
  return type ?? (shape.anyOf ?? shape.oneOf ?? []).map(kindOf).join(' or ');
}

const textCharsMax = 100;

/** What depends on the machine is named, what is long is shortened. */
function defaultOf(path: string, { default: value }: Shape): string {
  if (path === 'name' && value !== 'hub') return 'the host’s name';
  if (value === undefined) return '';
  const text = JSON.stringify(value).replaceAll(homedir(), '~');
  return text.length > textCharsMax ? 'built in' : `\`${text}\``;
}

/** A default of the whole is one of its members. */
function withDefaults(shape: Shape): Shape {
  const values = (shape.default ?? {}) as Readonly<Record<string, unknown>>;
  const members = Object.entries(shape.properties ?? {}).map(([name, member]) => {
    return [name, name in values ? { ...member, default: values[name] } : member];
  });
  return { ...shape, properties: Object.fromEntries(members) as Shape['properties'] };
}

function rows(shape: Shape, path: readonly string[], said: Said): Row[] {
  return Object.entries(shape.properties ?? {}).flatMap(([name, member]) => {
    const place = [...path, name];
    if (member.properties) return rows(withDefaults(member), place, said);
    const isMap = typeof member.additionalProperties === 'object';
    const dotted = place.join('.');
    const kind = isMap ? 'object by name' : kindOf(member);
    return [row(`\`${dotted}\``, `\`${environmentName(place)}\``, kind, defaultOf(dotted, member), said(place))];
  });
}

/** Settings of one kind of runtime, which stand in `runtimes` under any name. */
function runtimes(shape: Shape): Row[] {
  const kinds = shape.properties?.runtimes?.additionalProperties;
  if (typeof kinds !== 'object') return [];
  return (kinds.oneOf ?? kinds.anyOf ?? []).flatMap((kind) => {
    const word = String(kind.properties?.kind?.const);
    const said = runtimeSources(word).map(comments);
    const about = (name: string) => said.map((known) => known.get(name)).find((one) => one !== undefined) ?? '';
    return Object.entries(kind.properties ?? {}).map(([name, member]) =>
      row(word, `\`${name}\``, kindOf(member), defaultOf(name, member), about(name)),
    );
  });
}

function shapeOf(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Shape;
}

/** Tables of a hub, of a spoke, and of a spoke's runtimes. */
export function settings() {
  const [hub, spoke] = [shapeOf(hubConfig), shapeOf(spokeConfig)];
  return {
    hub: rows(hub, [], saidIn('hub')),
    spoke: rows(spoke, [], saidIn('spoke')),
    runtimes: runtimes(spoke),
  };
}
