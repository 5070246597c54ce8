// What a spoke's configuration says of a runtime of kind `acp`: an agent that speaks the Agent Client Protocol.
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { programModel } from '../../model/options.js';

/** What the protocol calls the kind of a tool call. The agent names it: an order among its tools, not a wall. */
export const toolKinds = [
  ...(['read', 'edit', 'delete', 'move', 'search', 'execute', 'think', 'fetch'] as const),
  ...(['switch_mode', 'other'] as const),
] as const;
export type ToolKind = (typeof toolKinds)[number];

const verdict = z.enum(['allow', 'deny', 'ask']);
export type Verdict = z.infer<typeof verdict>;

export const acpOptions = z.strictObject({
  /** An agent of the Agent Client Protocol. */
  kind: z.literal('acp'),
  /** The agent's program, which speaks the protocol on stdin and stdout. Run in the sandbox at `/work`; `argv[0]` is looked up inside. Never a shell string. */
  argv: z.tuple([z.string().min(1).max(4_096)], z.string().max(32_768)),
  /** A folder of this machine that the sandbox shows read-only as `/opt/writ/agent`: for an agent that is not below `/usr`. */
  folder: z.string().max(4_096).refine(isAbsolute, 'must be an absolute path').optional(),
  /** Whether the agent reaches its model by way of the spoke: `true` for the API of Anthropic, or where else. As for `command`. */
  model: programModel,
  /** Added to the environment inside. Not for secrets: the agent can read it. */
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(32_768)).default({}),
  /** The mode of the agent that every session begins in, by the agent's own id for it; absent: the agent's own choice. */
  mode: z.string().min(1).max(128).optional(),
  /** What the agent may do that it asks for, by the kind of the tool: `allow`, `deny`, `ask` a person. A kind that is not named goes by the profile. */
  permissions: z.partialRecord(z.enum(toolKinds), verdict).default({}),
  /** How long a person may take to answer; then it is denied. */
  askMs: z.int().min(1_000).max(86_400_000).default(600_000),
  /** How long each step of the agent's start may take: `initialize`, then making or resuming its session. */
  startMs: z.int().min(100).max(3_600_000).default(60_000),
  /** `asked`: the agent is told to hand in a structured result, and again when it is missing or invalid. `message`: its last message is the summary. */
  resultFrom: z.enum(['asked', 'message']).default('asked'),
  /** How often a missing or invalid result is handed back to the agent. */
  resultRetriesMax: z.int().min(0).max(20).default(2),
});
export type AcpOptions = z.infer<typeof acpOptions>;
