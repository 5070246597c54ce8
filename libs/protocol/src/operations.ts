// The operations of the protocol: what each takes, what it answers, and how it may travel. Found in this table, never as `object[op]`.
import { z } from 'zod';
import { agentResource, agentState, spawnArgs } from './agent.js';
import { agentId, commitHash, sha256Hash, time } from './names.js';

/** `effect` leaves a receipt and takes an idempotency key; `kill` is an effect that waits for nothing; `query` leaves no trace. */
export type OperationKind = 'effect' | 'kill' | 'query';

interface Operation {
  readonly kind: OperationKind;
  readonly args: z.ZodType;
  readonly body: z.ZodType;
}

const reason = z.string().trim().min(1).max(500);

/** What the next turn of a session is about. */
export const turnInput = z.string().trim().min(1).max(16_000);

/** A turn that was taken on: its result comes as an event and stands in the agent. */
export const turnTaken = z.strictObject({ agentId, turnId: agentId, turn: z.int().min(1) });
export type TurnTaken = z.infer<typeof turnTaken>;

/** A step back: files, HEAD and conversation are as they were before the turn `to`. It has a number of its own, as a turn has. */
export const restored = z.strictObject({
  agentId,
  turnId: agentId,
  turn: z.int().min(1),
  to: z.int().min(1),
  /** Files that could not be kept and were therefore left where they are. */
  left: z.int().min(0),
});
export type Restored = z.infer<typeof restored>;

/** What there is to go back to: the state before a turn, or before a step back. `missing` says why there is nothing. */
export const checkpoint = z.strictObject({
  turn: z.int().min(1),
  before: z.enum(['turn', 'restore']),
  at: time,
  missing: z.string().max(500).optional(),
});
export type CheckpointResource = z.infer<typeof checkpoint>;

/** What a kill found and left: it is answered only after a look has found nothing alive. */
export const killReport = z.strictObject({
  killed: z.array(agentId).max(1_000),
  alreadyEnded: z.array(agentId).max(1_000),
  failed: z.array(z.strictObject({ agentId, reason: z.string().max(500) })).max(1_000),
  /** Processes that a last look still found; 0 when the kill is complete. */
  survivors: z.int().min(0),
});
export type KillReport = z.infer<typeof killReport>;

/** What one answer may bring of a bundle. */
export const bundlePieceBytesMax = 262_144;

/** What is said of a bundle with every piece of it. */
const bundleFacts = z.strictObject({
  commit: commitHash,
  base: commitHash,
  bytes: z.int().min(1),
  sha256: sha256Hash,
});
const bundleData = z
  .string()
  .regex(/^[A-Za-z0-9_-]*$/, 'must be base64url')
  .max(Math.ceil((bundlePieceBytesMax * 4) / 3));

const table = {
  'agent.spawn': {
    kind: 'effect',
    args: spawnArgs,
    body: z.strictObject({ agentId, state: agentState, spawnedAt: time }),
  },
  'agent.status': { kind: 'query', args: z.strictObject({ agentId }), body: agentResource },
  'agent.kill': { kind: 'kill', args: z.strictObject({ agentId, reason }), body: killReport },
  'agent.send': {
    kind: 'effect',
    args: z.strictObject({ agentId, input: turnInput }),
    body: turnTaken,
  },
  'agent.close': {
    kind: 'effect',
    args: z.strictObject({ agentId, force: z.boolean().default(false), reason }),
    body: z.strictObject({ agentId, state: agentState }),
  },
  'agent.restore': {
    kind: 'effect',
    args: z.strictObject({ agentId, to: z.int().min(1).max(100_000), reason }),
    body: restored,
  },
  'agent.checkpoints': {
    kind: 'query',
    args: z.strictObject({ agentId }),
    body: z.strictObject({ checkpoints: z.array(checkpoint).max(1_000) }),
  },
  'agents.kill': { kind: 'kill', args: z.strictObject({ reason }), body: killReport },
  'agents.resume': { kind: 'kill', args: z.strictObject({ reason }), body: z.strictObject({ latched: z.boolean() }) },
  'agent.list': {
    kind: 'query',
    args: z.strictObject({
      states: z.array(agentState).max(5).optional(),
      after: agentId.optional(),
      limit: z.int().min(1).max(200).default(100),
    }),
    body: z.strictObject({ agents: z.array(agentResource).max(200), next: agentId.optional() }),
  },
  'agent.output': {
    kind: 'query',
    args: z.strictObject({ agentId, offset: z.int().min(0), bytesMax: z.int().min(1).max(262_144).default(65_536) }),
    /** `text` is whole UTF-8 characters; `next` is the offset to ask for next; `end` says that nothing will follow. */
    body: z.strictObject({
      offset: z.int(),
      text: z.string(),
      next: z.int(),
      end: z.boolean(),
      dropped: z.int().min(0),
    }),
  },
  'agent.artifact': {
    kind: 'query',
    args: z.discriminatedUnion('kind', [
      z.strictObject({ agentId, kind: z.literal('diff') }),
      z.strictObject({
        agentId,
        kind: z.literal('bundle'),
        offset: z.int().min(0),
        bytesMax: z.int().min(1).max(bundlePieceBytesMax).default(bundlePieceBytesMax),
      }),
    ]),
    body: z.discriminatedUnion('kind', [
      /** A unified diff against the branch point, cut at 512 KiB with `truncated` set. */
      z.strictObject({ kind: z.literal('diff'), text: z.string(), truncated: z.boolean() }),
      /** `data` is base64url; the facts are those of the whole bundle, in every piece. */
      z.strictObject({ kind: z.literal('bundle'), ...bundleFacts.shape, offset: z.int().min(0), data: bundleData }),
    ]),
  },
  'instance.info': {
    kind: 'query',
    args: z.strictObject({}),
    body: z.strictObject({
      software: z.string().max(100),
      versions: z.array(z.int()),
      operations: z.array(z.string()),
      free: z.int().min(0),
    }),
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof table;
export type OperationArgs<O extends OperationName> = z.output<(typeof table)[O]['args']>;
export type OperationBody<O extends OperationName> = z.output<(typeof table)[O]['body']>;

const byName: ReadonlyMap<string, Operation> = new Map(Object.entries(table));

export const operationNames = Object.keys(table) as OperationName[];
export const operationName = z.enum(operationNames as [OperationName, ...OperationName[]]);

const asked = new Map<string, Operation>();

/** The operation of that name, or undefined: also for `__proto__` and its friends. Its schemas are compiled when it is first asked for. */
export function operation(name: string): Operation | undefined {
  return asked.get(name) ?? compiled(name);
}

function compiled(name: string): Operation | undefined {
  const plain = byName.get(name);
  if (!plain) return undefined;
  const { kind, args, body } = plain;
  const known = { kind, args: z.compile(args), body: z.compile(body) };
  asked.set(name, known);
  return known;
}
