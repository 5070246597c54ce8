// A grant: what a spoke lets one connection do. Allow-lists and ceilings only; unknown fields are refused.
import { z } from 'zod';
import { agentType, limits, sandboxLevel } from './agent.js';
import { egressHost } from './egress.js';
import { runtimeName } from './names.js';
import { operationName } from './operations.js';

/** `*` stands for any run of characters but `/`, `**` for any run. Compared against the whole URL or branch. */
export const pattern = z
  .string()
  .regex(/^[A-Za-z0-9_.~%/+@:#*-]{1,300}$/, 'must be a pattern of letters, digits and `_ . ~ % / + @ : # - *`');

/** What all its agents together may use on one UTC day. */
const perDay = z.strictObject({
  agents: z.int().min(0).max(1_000_000).optional(),
  tokens: z.int().min(0).max(1_000_000_000_000).optional().describe('All kinds of tokens count'),
  moneyMicroUsd: z.int().min(0).max(1_000_000_000_000).optional().describe('Millionths of a US dollar'),
});
const hubLost = z.union([z.literal('continue'), z.strictObject({ stopAfterS: z.int().min(45).max(86_400) })]);
const approval = z.union([z.literal('none'), z.strictObject({ withinS: z.int().min(10).max(604_800) })]);

/** The descriptions are for who edits one by hand: an editor shows them beside the field. */
export const grant = z.strictObject({
  operations: z.array(operationName).max(40).describe('What the hub may ask for'),
  agentTypes: z.array(agentType).max(3).default([]).describe('What it may spawn'),
  repositories: z
    .array(pattern)
    .max(200)
    .default([])
    .describe('Patterns of repository URLs: * stops at /, ** does not'),
  branches: z.array(pattern).max(200).default(['**']).describe('Patterns of the branches that its agents start from'),
  push: z
    .array(pattern)
    .max(200)
    .optional()
    .describe('Branches that its agents may push to; the default branch has to stand here in full'),
  gates: z.boolean().optional().describe('Whether a spawn may add commands of its own that have to pass'),
  egress: z
    .array(egressHost)
    .max(200)
    .optional()
    .describe('Hosts that its agents may reach, of those that this spoke names: registry.npmjs.org, *.example.org'),
  runtimes: z.array(runtimeName).max(50).default(['claude']).describe('Runtimes of this spoke that it may name'),
  models: z.array(z.string().max(128)).max(50).optional().describe('Left out: any model that this spoke offers'),
  sandbox: sandboxLevel.default('unshare').describe('The weakest sandbox that its agents may run in'),
  concurrentMax: z.int().min(0).max(10_000).default(5).describe('Its agents at once'),
  limits: limits.default({}).describe('Ceilings for each agent: the hub may ask for less, never for more'),
  perDay: perDay.optional().describe('What all its agents together may use on one UTC day'),
  startsPerMinute: z.int().min(0).max(10_000).optional().describe('Agents spawned within any 60 seconds'),
  hubLost: hubLost
    .default('continue')
    .describe('Its agents when the hub is not heard: they go on, or stop after so long'),
  approval: approval
    .default('none')
    .describe('Whether a person has to approve each spawn, and within how many seconds'),
});
export type Grant = z.infer<typeof grant>;
export type GrantInput = z.input<typeof grant>;
