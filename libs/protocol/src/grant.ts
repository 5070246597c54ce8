// A grant: what a spoke lets one connection do. Allow-lists and ceilings only; unknown fields are refused.
import { z } from 'zod';
import { agentType, limits, sandboxLevel } from './agent.js';
import { runtimeName } from './names.js';
import { operationName } from './operations.js';

/** `*` stands for any run of characters but `/`, `**` for any run. Compared against the whole URL or branch. */
export const pattern = z
  .string()
  .regex(/^[A-Za-z0-9_.~%/+@:#*-]{1,300}$/, 'must be a pattern of letters, digits and `_ . ~ % / + @ : # - *`');

export const grant = z.strictObject({
  operations: z.array(operationName).max(40),
  agentTypes: z.array(agentType).max(3).default([]),
  repositories: z.array(pattern).max(200).default([]),
  branches: z.array(pattern).max(200).default(['**']),
  /** Branches that its agents may push to: none by default. The remote's default branch has to stand here in full. */
  push: z.array(pattern).max(200).optional(),
  runtimes: z.array(runtimeName).max(50).default(['claude']),
  /** Absent: any model that the spoke's configuration offers. */
  models: z.array(z.string().max(128)).max(50).optional(),
  sandbox: sandboxLevel.default('unshare'),
  concurrentMax: z.int().min(0).max(10_000).default(5),
  /** Ceilings per agent: a command may ask for less, never for more. */
  limits: limits.default({}),
  /** What all its agents together may use on one UTC day. */
  perDay: z
    .strictObject({
      agents: z.int().min(0).max(1_000_000).optional(),
      /** All kinds of tokens count. */
      tokens: z.int().min(0).max(1_000_000_000_000).optional(),
      moneyMicroUsd: z.int().min(0).max(1_000_000_000_000).optional(),
    })
    .optional(),
  /** Agents spawned within any 60 seconds. */
  startsPerMinute: z.int().min(0).max(10_000).optional(),
  /** What happens to its agents when the hub is not heard: they go on, or they are stopped after so many seconds. */
  hubLost: z
    .union([z.literal('continue'), z.strictObject({ stopAfterS: z.int().min(45).max(86_400) })])
    .default('continue'),
  /** Whether a person of the spoke has to approve each spawn, and within how many seconds. */
  approval: z.union([z.literal('none'), z.strictObject({ withinS: z.int().min(10).max(604_800) })]).default('none'),
});
export type Grant = z.infer<typeof grant>;
export type GrantInput = z.input<typeof grant>;
