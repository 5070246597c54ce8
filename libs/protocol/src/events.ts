// Events of an agent, in the fields of CloudEvents 1.0. A spoke journals each as one JSON string and never changes it again.
import { z } from 'zod';
import {
  activity,
  agentContext,
  agentOptions,
  agentResult,
  agentType,
  cleanup,
  exitReason,
  limits,
  sandboxLevel,
  turnEnd,
} from './agent.js';
import { actor } from './actor.js';
import { agentId, idempotencyKey, taskId, time } from './names.js';
import { question, questionAnswer } from './question.js';
import { usage } from './usage.js';

const data = {
  'agent.spawned': z.strictObject({
    taskId,
    agentType,
    context: agentContext,
    options: agentOptions,
    limits,
    idk: idempotencyKey.optional(),
    actor,
  }),
  'agent.running': z.strictObject({ sandbox: z.strictObject({ level: sandboxLevel, enforced: z.array(z.string()) }) }),
  /** A turn of a session began (`busy`), or ended (`idle`, with its `end`). */
  'agent.turn': z.strictObject({
    turnId: agentId,
    turn: z.int().min(1),
    activity,
    idk: idempotencyKey.optional(),
    actor,
    end: turnEnd.optional(),
    sessionEndsAt: time.optional(),
  }),
  /** A session went back to before the turn `to`; `turn` is the number of that step, `left` the files that could not be kept. */
  'agent.restored': z.strictObject({
    turnId: agentId,
    turn: z.int().min(1),
    to: z.int().min(1),
    left: z.int().min(0),
    idk: idempotencyKey.optional(),
    actor,
    reason: z.string().max(500),
  }),
  /** Old journals hold some without `reason` and `actor`. */
  'agent.completed': z.strictObject({
    reason: z.string().optional(),
    exitReason,
    usage,
    outputBytes: z.int(),
    result: agentResult,
    actor: actor.optional(),
  }),
  'agent.failed': z.strictObject({
    reason: z.string(),
    exitReason,
    usage,
    outputBytes: z.int(),
    result: agentResult.optional(),
    actor,
  }),
  'agent.killed': z.strictObject({
    reason: z.string(),
    exitReason,
    usage,
    outputBytes: z.int(),
    result: agentResult.optional(),
    actor,
  }),
  'agent.cleanup': z.strictObject({ cleanup }),
  /** `text` is there for an agent's first bytes only; after that the offsets say what can be read. Offsets are bytes of UTF-8 in the spool. */
  'agent.output': z.strictObject({
    offset: z.int().min(0),
    bytes: z.int().min(0),
    text: z.string().optional(),
    dropped: z.int().min(0).optional(),
  }),
  'agent.usage': z.strictObject({ usage }),
  'agent.question': z.strictObject({ question }),
  'agent.answer': z.strictObject({ answer: questionAnswer }),
  'grant.changed': z.strictObject({ version: z.int().min(1) }),
} as const;

export type EventType = keyof typeof data;
export const eventTypes = Object.keys(data) as EventType[];

const envelope = <T extends EventType>(type: T) =>
  z.strictObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1).max(64),
    /** The instance id of the spoke. */
    source: z.string().min(1).max(64),
    type: z.literal(type),
    /** The agent id; for `grant.changed` the connection id. */
    subject: z.string().min(1).max(64),
    time,
    data: data[type],
  });

/** One schema per event type; the journal's strings parse with the one of their `type`. */
export const agentEvent = z.discriminatedUnion('type', [
  envelope('agent.spawned'),
  envelope('agent.running'),
  envelope('agent.turn'),
  envelope('agent.restored'),
  envelope('agent.completed'),
  envelope('agent.failed'),
  envelope('agent.killed'),
  envelope('agent.cleanup'),
  envelope('agent.output'),
  envelope('agent.usage'),
  envelope('agent.question'),
  envelope('agent.answer'),
  envelope('grant.changed'),
]);
export type AgentEvent = z.infer<typeof agentEvent>;
export type EventData<T extends EventType> = z.infer<(typeof data)[T]>;
