// Which spokes and which agents somebody means without naming each: labels, selectors, and the answers that count them.
import { z } from 'zod';
import { agentState, agentStates, agentType } from './agent.js';
import { spokeName, taskId, thumbprint, time } from './names.js';

const labelKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, `.`, `_` or `-`');
const labelValue = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 letters, digits, `.`, `_` or `-`');

const pairsMax = 32;

/** What a hub's people say of a spoke, for selecting: `{"region": "eu"}`. Up to 32. */
export const labels = z
  .record(labelKey, labelValue)
  .refine((pairs) => Object.keys(pairs).length <= pairsMax, `must have at most ${pairsMax} labels`);
export type Labels = z.infer<typeof labels>;

/** The name or the instance id of a spoke. */
export const spokeRef = z.union([spokeName, thumbprint]);

const someLabels = labels.refine((pairs) => Object.keys(pairs).length > 0, 'must name a label');

/**
 * Where to spawn: a spoke by name or id; or the least loaded of those that have all of these labels, or of all, whose
 * grant allows it.
 */
export const spokeSelector = z.union([
  spokeRef,
  z.strictObject({ labels: someLabels }),
  z.strictObject({ any: z.literal(true) }),
]);
export type SpokeSelector = z.infer<typeof spokeSelector>;

const labelPair = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}=[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be `key=value`');
const pairsOf = (value: unknown) => (typeof value === 'string' ? value.split(',') : value);

/** The query parameter `label=key=value`, several times or with commas: an agent's spoke has all of them. */
export const labelQuery = z
  .preprocess(pairsOf, z.array(labelPair).min(1).max(pairsMax))
  .transform((pairs): Labels => Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string])));

/** `POST /v1/agents/kill`: all live agents that fit every part of `select`, which has one at least. No latch is set. */
export const killSelected = z.strictObject({
  select: z
    .strictObject({
      spoke: spokeRef.optional(),
      labels: someLabels.optional(),
      taskId: taskId.optional(),
      agentType: agentType.optional(),
      state: z
        .array(agentState.extract(['spawning', 'running']))
        .min(1)
        .max(2)
        .optional(),
    })
    .refine((select) => Object.keys(select).length > 0, 'must select by something'),
  reason: z.string().trim().min(1).max(500),
  /** Only says which agents it would be. */
  dryRun: z.boolean().default(false),
});
export type KillSelected = z.input<typeof killSelected>;

const counts = z.strictObject(
  Object.fromEntries(agentStates.map((state) => [state, z.int().min(0)])) as Record<
    (typeof agentStates)[number],
    z.ZodInt
  >,
);
export type AgentCounts = z.infer<typeof counts>;

/** How old the hub's word of a spoke is: `asOf` is when it was last heard. */
const freshness = { connected: z.boolean(), asOf: time.optional() };

/** `GET /v1/agents/counts`: by state; on a hub by spoke too. */
export const agentCounts = z.strictObject({
  total: counts,
  spokes: z.array(z.strictObject({ name: spokeName, id: thumbprint, ...freshness, counts })),
});
export type AgentCountsResource = z.infer<typeof agentCounts>;

/** A spoke that says nothing now: what a list shows of it is as old as `asOf`. */
export const staleSpoke = z.strictObject({ name: spokeName, asOf: time.optional() });

/** A spoke that did not answer a live question, and why. */
export const unanswered = z.strictObject({ name: spokeName, reason: z.string().max(500) });
