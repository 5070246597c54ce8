// The one decision about a grant: may this connection do this? Allow-lists and ceilings only, and the executing side's
// floor always wins: whoever asks cannot choose its own strictness.
import { type Limits, type SandboxLevel, sandboxLevels, type SpawnArgs } from './agent.js';
import { coversAnyHost } from './egress.js';
import type { Grant } from './grant.js';
import type { OperationArgs, OperationName } from './operations.js';
import { compilePattern } from './pattern.js';

/** `rule` is the grant's field that says no, `allowed` what it would have let pass. */
export type Permission = { readonly ok: true } | Denial;
export interface Denial {
  readonly ok: false;
  readonly rule: string;
  readonly allowed: unknown;
}

const allowed: Permission = { ok: true };
/** What a spawn runs when it names no runtime. */
export const defaultRuntime = 'claude';

/** How many agents may live at once is not decided here: only the spawner can count. */
export function permits<O extends OperationName>(grant: Grant, op: O, args: OperationArgs<O>): Permission {
  if (!grant.operations.includes(op)) return denied('operations', grant.operations);
  return op === 'agent.spawn' ? permitsSpawn(grant, args as SpawnArgs) : allowed;
}

function permitsSpawn(grant: Grant, args: SpawnArgs): Permission {
  const { context, options } = args;
  const { runtime = defaultRuntime } = options;
  if (!grant.agentTypes.includes(args.agentType)) return denied('agentTypes', grant.agentTypes);
  if (!matchesAny(grant.repositories, context.repository)) return denied('repositories', grant.repositories);
  if (!matchesAny(grant.branches, context.branch)) return denied('branches', grant.branches);
  if (options.push && !mayPush(grant.push, options.push.branch)) return denied('push', grant.push ?? []);
  if (options.gates && grant.gates !== true) return denied('gates', false);
  if (!mayReach(grant.egress, options.egress)) return denied('egress', grant.egress ?? []);
  if (!grant.runtimes.includes(runtime)) return denied('runtimes', grant.runtimes);
  if (!modelAllowed(grant, options.model)) return denied('models', grant.models);
  if (weaker(options.sandbox ?? grant.sandbox, grant.sandbox)) return denied('sandbox', grant.sandbox);
  return withinCeilings(grant.limits, options.limits ?? {});
}

/** With a list of models the request has to name one: the spoke's default may not be on it. */
function modelAllowed(grant: Grant, model: string | undefined): boolean {
  return grant.models === undefined || (model !== undefined && grant.models.includes(model));
}

function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => compilePattern(pattern)(text));
}

/** Without a branch it is the agent's own, whose name only the spoke can judge: see `pushPermit`. */
function mayPush(patterns: readonly string[] = [], branch: string | undefined): boolean {
  return branch === undefined ? patterns.length > 0 : pushPermit(patterns, branch) !== undefined;
}

function mayReach(hosts: readonly string[] = [], asked: readonly string[] = []): boolean {
  return asked.every((host) => coversAnyHost(hosts, host));
}

/** Where an agent may push its branch. */
export interface PushPermit {
  readonly branch: string;
  /** Whether also when it is the default branch of the remote: only a branch that is named in full. */
  readonly evenDefault: boolean;
}

/** What patterns allow for a branch; undefined when they do not. */
export function pushPermit(patterns: readonly string[], branch: string): PushPermit | undefined {
  return matchesAny(patterns, branch) ? { branch, evenDefault: patterns.includes(branch) } : undefined;
}

/** The branch that an agent's work goes to when a push names none. */
export function agentBranch(agentId: string): string {
  return `writ/${agentId}`;
}

function weaker(level: SandboxLevel, floor: SandboxLevel): boolean {
  return sandboxLevels.indexOf(level) < sandboxLevels.indexOf(floor);
}

function withinCeilings(ceilings: Limits, asked: Limits): Permission {
  for (const [name, figure] of figures(asked)) {
    const ceiling = ceilings[name];
    if (ceiling !== undefined && figure > ceiling) return denied(`limits.${name}`, ceiling);
  }
  return allowed;
}

/** What holds for one agent: of each limit the lower of what is granted and what is asked for. */
export function effectiveLimits(grant: Pick<Grant, 'limits'>, asked: Limits = {}): Limits {
  const narrowed: Limits = { ...grant.limits };
  for (const [name, figure] of figures(asked)) narrowed[name] = Math.min(figure, narrowed[name] ?? figure);
  return narrowed;
}

/** The stronger of what is granted as the floor and what is asked for. */
export function effectiveSandbox(grant: Pick<Grant, 'sandbox'>, asked: SandboxLevel = 'none'): SandboxLevel {
  return weaker(asked, grant.sandbox) ? grant.sandbox : asked;
}

function figures(limits: Limits): [keyof Limits, number][] {
  const entries = Object.entries(limits) as [keyof Limits, number | undefined][];
  return entries.filter((entry): entry is [keyof Limits, number] => entry[1] !== undefined);
}

function denied(rule: string, allowance: unknown): Denial {
  return { ok: false, rule, allowed: allowance };
}
