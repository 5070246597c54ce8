// What becomes of a spawn request before anything changes: checked field by field, narrowed to what is allowed, and
// matched with a sandbox that can do what is asked. [S-2] [S-3] [F-7]
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  actor,
  agentId,
  agentIdOf,
  coversAnyHost,
  branchName,
  idempotencyKey,
  limits,
  sandboxLevel,
  sandboxLevels,
  spawnArgs,
  WritError,
  type Limits,
  type SandboxLevel,
  type SpawnArgs,
} from '#protocol';
import type { SpawnRequest } from '../agents.js';
import type { AgentsOptions } from '../options.js';
import type { Runtime } from '../runtimes/runtime.js';
import type { ResourceLimits, Sandbox } from '../sandbox/sandbox.js';

const ceiling = z.strictObject({
  limits,
  sandbox: sandboxLevel,
  concurrentMax: z.int().min(0),
  approvalMs: z.int().min(1).optional(),
});

const spawnRequest = z.strictObject({
  owner: z.string().min(1).max(64),
  actor,
  agentId: agentId.optional(),
  idk: idempotencyKey.optional(),
  args: spawnArgs,
  ceiling: ceiling.optional(),
  push: z.strictObject({ branch: branchName, evenDefault: z.boolean() }).optional(),
});

export type ValidRequest = z.output<typeof spawnRequest> & { readonly agentId: string };

const kernelLimits = ['memoryBytesMax', 'pidsMax', 'cpuPercentMax', 'diskBytesMax'] as const;

/** @throws WritError `invalid_request`, naming the field. */
export function validated(request: SpawnRequest): ValidRequest {
  const parsed = spawnRequest.safeParse(request);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.map(String).join('.');
    throw new WritError('invalid_request', issue?.message ?? 'The spawn request is not valid.', { field });
  }
  const { owner, idk } = parsed.data;
  refusePush(parsed.data);
  return { ...parsed.data, agentId: parsed.data.agentId ?? (idk ? agentIdOf(owner, idk) : randomUUID()) };
}

/** Said rather than ignored: whoever names a session expects it to be there for the next turn. */
export function refuseSession({ options }: SpawnArgs, runtime: Pick<Runtime, 'kind' | 'takesTurns'>): void {
  if (options.session === undefined || runtime.takesTurns) return;
  const detail = `A runtime of kind ${runtime.kind} has one turn and keeps no session: its agent ends with its task.`;
  throw new WritError('invalid_request', detail, { field: 'args.options.session' });
}

/** The spoke's own list holds for everybody, whatever a grant says. @throws WritError `invalid_request` */
export function refuseEgress({ options }: SpawnArgs, hosts: readonly string[]): void {
  const beyond = options.egress?.find((host) => !coversAnyHost(hosts, host));
  if (beyond === undefined) return;
  const detail = `No agent of this spoke may reach ${beyond}: \`egress.hosts\` of the spoke names those that may be reached.`;
  throw new WritError('invalid_request', detail, { field: 'args.options.egress' });
}

/** The door has said where to; a push that it has not judged goes nowhere. */
function refusePush({ args, push }: z.output<typeof spawnRequest>): void {
  if (!args.options.push || push) return;
  const detail =
    'No agent may push to that branch of this repository: `remotes[].push` of the spoke names those it may.';
  throw new WritError('invalid_request', detail, { field: 'args.options.push.branch' });
}

type LimitName = keyof Limits;
const names = Object.keys(limits.shape) as LimitName[];

/** The least of what is asked (else the default), the grant's ceiling and the spoke's. A default never exceeds a ceiling. */
function frozenLimits(request: ValidRequest, options: AgentsOptions): Limits {
  const asked = request.args.options.limits;
  const frozen = names.map((name) => {
    const wished = asked?.[name] ?? options.limits[name];
    const bounds = [wished, request.ceiling?.limits[name], options.ceilings[name]];
    return [name, Math.min(...bounds.filter((bound) => bound !== undefined))] as const;
  });
  return Object.fromEntries(frozen.filter(([, value]) => Number.isFinite(value)));
}

/** Kernel limits that someone asked for, other than by the spoke's defaults: these have to be enforced. */
function demanded(request: ValidRequest, options: AgentsOptions): (keyof ResourceLimits)[] {
  const sources = [request.args.options.limits, request.ceiling?.limits, options.ceilings];
  return kernelLimits.filter((name) => sources.some((source) => source?.[name] !== undefined));
}

export interface Fitting {
  readonly level: SandboxLevel;
  readonly limits: Limits;
}

/**
 * The strongest sandbox that works here, is strong enough and enforces all that was demanded; defaults it cannot enforce are left out.
 * @throws WritError `sandbox_unavailable`, `limit_unenforceable`.
 */
export async function fitting(
  request: ValidRequest,
  options: AgentsOptions,
  sandboxes: readonly Sandbox[],
): Promise<Fitting> {
  const floor = strongest([request.args.options.sandbox, request.ceiling?.sandbox]);
  const wanted = demanded(request, options);
  const limits = frozenLimits(request, options);
  const reasons: string[] = [];
  let lacking: string[] | undefined;
  const strong = sandboxes.filter((one) => rank(one.level) >= rank(floor));
  for (const sandbox of strong.sort((one, other) => rank(other.level) - rank(one.level))) {
    const probe = await sandbox.probe();
    const missing = wanted.filter((name) => !probe.enforceable.includes(name));
    if (probe.ok && missing.length === 0) return { level: sandbox.level, limits: kept(limits, probe.enforceable) };
    if (probe.ok) lacking ??= missing;
    else reasons.push(`${sandbox.level}: ${probe.reason ?? 'not available'}`);
  }
  if (lacking) throw unenforceable(lacking);
  const why = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  throw new WritError('sandbox_unavailable', `No sandbox of at least \`${floor}\` works here${why}.`);
}

function unenforceable(missing: readonly string[]): WritError {
  const field = `options.limits.${missing[0] ?? ''}`;
  return new WritError('limit_unenforceable', `This machine cannot enforce ${missing.join(', ')}.`, { field });
}

function kept(limits: Limits, enforceable: readonly string[]): Limits {
  const isKept = (name: string) => !kernelLimits.some((kernel) => kernel === name) || enforceable.includes(name);
  return Object.fromEntries(Object.entries(limits).filter(([name]) => isKept(name)));
}

const rank = (level: SandboxLevel) => sandboxLevels.indexOf(level);

function strongest(levels: readonly (SandboxLevel | undefined)[]): SandboxLevel {
  return levels.reduce<SandboxLevel>((floor, level) => (level && rank(level) > rank(floor) ? level : floor), 'none');
}

export function resourceLimits(limits: Limits): ResourceLimits {
  const { memoryBytesMax, pidsMax, cpuPercentMax, diskBytesMax } = limits;
  return { memoryBytesMax, pidsMax, cpuPercentMax, diskBytesMax };
}
