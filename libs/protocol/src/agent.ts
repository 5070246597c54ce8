// What an agent is to the outside: the spawn request, its limits, its states and the resource that hub and spoke both show.
// All figures are safe integers: money is in millionths of a US dollar (`…MicroUsd`), times are ISO 8601 in UTC.
import { z } from 'zod';
import { actor } from './actor.js';
import { egressHost } from './egress.js';
import {
  agentId,
  branchName,
  commitHash,
  profileName,
  repositoryUrl,
  runtimeName,
  spokeName,
  taskId,
  time,
} from './names.js';
import { usage } from './usage.js';
import { question, questionAnswer } from './question.js';

export const agentTypes = ['worker', 'reviewer', 'tester'] as const;
export const agentType = z.enum(agentTypes);
export type AgentType = z.infer<typeof agentType>;

/** In rising order of strength; a grant's floor names one. */
export const sandboxLevels = ['none', 'unshare', 'namespace', 'docker'] as const;
export const sandboxLevel = z.enum(sandboxLevels);
export type SandboxLevel = z.infer<typeof sandboxLevel>;

const positive = (max: number) => z.int().min(1).max(max);

/** The parts of a result are bounded as JSON too: together they stay below `eventBytesMax`, so that every result can be sent. */
function fits<T extends z.ZodType>(part: T, bytesMax: number): T {
  const size = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
  return part.refine((value) => size(value) <= bytesMax, `must have at most ${bytesMax} bytes as JSON`);
}

/** A word of a command; what the kernel could not take is no word. */
const argument = z
  .string()
  .max(1_000)
  .refine((word) => !word.includes('\0'), 'must not hold a NUL');

/** What an agent may use at most. Absent means: the spoke's default for it. */
export const limits = z.strictObject({
  /** Requests to the model. */
  turnsMax: positive(10_000).optional(),
  /** Tokens of all kinds. */
  tokensMax: positive(1_000_000_000).optional(),
  /** Money by the table of prices, in millionths of a US dollar. */
  moneyMicroUsdMax: positive(10_000_000_000).optional(),
  /** Time from the start to the end; of a session that of its turns. */
  wallMs: positive(7 * 86_400_000).optional(),
  /** Output that is kept; what comes beyond it is dropped and counted. */
  outputBytesMax: positive(10 * 2 ** 30).optional(),
  /** Memory of all its processes together. */
  memoryBytesMax: positive(2 ** 40).optional(),
  /** Its processes and threads. */
  pidsMax: positive(100_000).optional(),
  /** Processor time; 100 is one core. */
  cpuPercentMax: positive(100_000).optional(),
  /** What it may write to disk. */
  diskBytesMax: positive(2 ** 42).optional(),
});
export type Limits = z.infer<typeof limits>;

export const agentContext = z.strictObject({
  repository: repositoryUrl,
  branch: branchName,
  workItems: z.array(z.string().trim().min(1).max(8_000)).min(1).max(50),
  skills: z.array(profileName).max(20).optional(),
});

const gateArgv = z.tuple([argument.min(1)], argument).refine((words) => words.length <= 50, 'has at most 50 words');

export const agentOptions = z.strictObject({
  /** A runtime that the spoke's configuration names: `claude` (the default) or one of its commands. */
  runtime: runtimeName.optional(),
  model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$/)
    .optional(),
  limits: limits.optional(),
  /** The least sandbox that the caller accepts; the spoke's and the grant's floors still hold. */
  sandbox: sandboxLevel.optional(),
  session: profileName.optional(),
  /** After a run that completed, its branch goes to the remote: to this one, or to `writ/<agentId>`. */
  push: z.strictObject({ branch: branchName.optional() }).optional(),
  /** Commands that have to pass in the sandbox as well as the spoke's own; each an argv, never a shell string. */
  gates: fits(z.array(gateArgv).min(1).max(10), 8_192).optional(),
  /** Hosts that the agent may reach, by tunnels alone; none by default: it has no network. */
  egress: z.array(egressHost).min(1).max(50).optional(),
});

/** The body of `agent.spawn` and, without `spoke`, of `POST /v1/agents` on a spoke. */
export const spawnArgs = z.strictObject({
  taskId,
  agentType,
  context: agentContext,
  options: agentOptions.default({}),
});
export type SpawnArgs = z.infer<typeof spawnArgs>;

export const agentStates = ['spawning', 'running', 'completed', 'failed', 'killed'] as const;
export const agentState = z.enum(agentStates);
export type AgentState = z.infer<typeof agentState>;

export const finding = z.strictObject({
  file: z.string().min(1).max(1_024),
  line: z.int().min(1),
  severity: z.enum(['info', 'warning', 'error']),
  message: z.string().min(1).max(4_000),
});

export const itemAnswer = z.strictObject({
  /** Index into `context.workItems`. */
  item: z.int().min(0).max(49),
  status: z.enum(['done', 'partly', 'not_done']),
  note: z.string().max(4_000),
});

export const exitReasons = [
  'finished',
  'exit_code',
  'killed',
  'wall_time',
  'turns',
  'tokens',
  'money',
  'output',
  'disk',
  'runtime_error',
  'model_error',
  'sandbox_error',
  'repository_error',
  'push_failed',
  'gate_failed',
  'secret_found',
  'scan_failed',
  'result_invalid',
  'spoke_restarted',
  'lost',
  'connection_lost',
  'shutdown',
  'approval_denied',
  'approval_expired',
  'closed',
  'expired',
] as const;
export const exitReason = z.enum(exitReasons);
export type ExitReason = z.infer<typeof exitReason>;

/** A command that had to pass. `output` is the end of what one that did not pass said. */
const gateReport = z.strictObject({
  command: z.string().max(200),
  passed: z.boolean(),
  exitCode: z.int().optional(),
  reason: z.string().max(200).optional(),
  output: z.string().max(4_000).optional(),
});
export type GateReport = z.infer<typeof gateReport>;

/** Where a secret stands in the work, never the secret itself. `file` may also be a commit. */
const secretFound = z.strictObject({
  rule: z.string().max(60),
  file: z.string().max(200),
  line: z.int().min(1),
});
export type SecretFound = z.infer<typeof secretFound>;

/** What an agent leaves. `branch` and `commit` are there when it committed; `findings` for reviewers, `verdict` for testers. */
export const agentResult = z.strictObject({
  summary: fits(z.string().max(16_000), 49_152),
  items: fits(z.array(itemAnswer).max(50), 49_152),
  branch: z.string().max(255).optional(),
  commit: commitHash.optional(),
  changes: z.strictObject({ files: z.int().min(0), insertions: z.int().min(0), deletions: z.int().min(0) }).optional(),
  /** Where its commit went when a push was asked for, or why it did not. */
  push: z
    .strictObject({
      branch: z.string().max(255),
      commit: commitHash.optional(),
      reason: z.string().max(500).optional(),
    })
    .optional(),
  findings: fits(z.array(finding).max(500), 65_536).optional(),
  verdict: fits(
    z.strictObject({ passed: z.boolean(), command: z.string().max(2_000), detail: z.string().max(8_000) }),
    32_768,
  ).optional(),
  exitCode: z.int().optional(),
  /** The last run of the gates, up to the first that did not pass. */
  gates: fits(z.array(gateReport).max(40), 32_768).optional(),
  /** Why its work stays on the spoke; the first 20 of them. */
  secrets: fits(z.array(secretFound).max(20), 16_384).optional(),
});
export type AgentResult = z.infer<typeof agentResult>;

/** How one turn of a session ended. It failed when it left no result of its own; the session goes on all the same. */
export const turnEnd = z.strictObject({
  turnId: agentId,
  turn: positive(100_000),
  state: z.enum(['completed', 'failed']),
  exitReason,
  reason: z.string().max(2_000).optional(),
  startedAt: time,
  endedAt: time,
  result: agentResult.optional(),
});
export type TurnEnd = z.infer<typeof turnEnd>;

/** The turns of a session. The first has the agent's own id; a later one that of the connection and its idempotency key. */
export const turns = z.strictObject({
  taken: positive(100_000),
  /** The one that is being worked on. */
  current: z.strictObject({ turnId: agentId, turn: positive(100_000), startedAt: time }).optional(),
  last: turnEnd.optional(),
});

export const activity = z.enum(['busy', 'idle']);

export const cleanupSteps = ['sandbox', 'worktree', 'lease'] as const;
const cleanupStep = z.strictObject({
  outcome: z.enum(['done', 'skipped', 'failed']),
  reason: z.string().max(500).optional(),
});
export const cleanup = z.strictObject({ sandbox: cleanupStep, worktree: cleanupStep, lease: cleanupStep });
export type Cleanup = z.infer<typeof cleanup>;

/** An agent as hub and spoke show it. `spoke` and `asOf` are set on a hub: the hub's view is as old as `asOf`. */
export const agentResource = z.strictObject({
  agentId,
  taskId,
  agentType,
  state: agentState,
  /** What a spawning agent waits for: `approval`, `queued`, `worktree`, `sandbox`. */
  phase: z.string().max(40).optional(),
  /** `local`, or the connection it was spawned over. */
  owner: z.string().min(1).max(64),
  context: agentContext,
  options: agentOptions,
  /** Frozen at spawn: the request narrowed by grant and defaults. */
  limits,
  sandbox: z.strictObject({ level: sandboxLevel, enforced: z.array(z.string().max(60)).max(20) }).optional(),
  spawnedAt: time,
  startedAt: time.optional(),
  endedAt: time.optional(),
  /** Why it is in this state, in a sentence, and the machine's word for it. */
  reason: z.string().max(2_000).optional(),
  exitReason: exitReason.optional(),
  actor: actor.optional(),
  /** What a person has to answer before it goes on, and what was answered last. */
  question: question.optional(),
  answer: questionAnswer.optional(),
  usage,
  outputBytes: z.int().min(0),
  result: agentResult.optional(),
  /** Of a session while it is running; one that is idle waits for its next turn. */
  activity: activity.optional(),
  turns: turns.optional(),
  /** When a session ends by itself. */
  sessionEndsAt: time.optional(),
  cleanup: cleanup.optional(),
  spoke: z.strictObject({ id: z.string(), name: spokeName }).optional(),
  asOf: time.optional(),
});
export type AgentResource = z.infer<typeof agentResource>;

export function isTerminal(state: AgentState): boolean {
  return state === 'completed' || state === 'failed' || state === 'killed';
}
