// What the understudy plays: a script of conversations, chosen by what a request says, told turn by turn.
// The format is explained in ../README.md.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** A regular expression as text; refused here, not in the middle of a play. */
const pattern = z
  .string()
  .min(1)
  .max(1_000)
  .transform((source, context) => {
    try {
      return new RegExp(source, 'su');
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a regular expression' });
      return z.NEVER;
    }
  });

const milliseconds = z.int().min(0).max(600_000);
const times = z.int().min(1).max(1_000).default(1);

/** What an error says. */
const message = z.string().max(10_000).optional();

/** Before the turn is told, its first `times` requests get this answer instead. */
const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status: z.union([z.literal(400), z.literal(401), z.literal(429), z.literal(500), z.literal(529)]),
    retryAfterSeconds: z.number().min(0).max(3_600).optional(),
    message,
    times,
  }),
  /** The connection breaks after so many deltas; 0 is before the first. */
  z.strictObject({ kind: z.literal('drop'), afterDeltas: z.int().min(0), times }),
  /** An `error` event in the stream after so many deltas, as the API sends it when it is overloaded midway. */
  z.strictObject({ kind: z.literal('error_event'), afterDeltas: z.int().min(0), message, times }),
  /** The stream stays open and says nothing more after so many deltas. */
  z.strictObject({ kind: z.literal('stall'), afterDeltas: z.int().min(0), times }),
]);

const usage = z.strictObject({
  input: z.int().min(0).default(100),
  output: z.int().min(0).default(20),
  cacheRead: z.int().min(0).default(0),
  cacheWrite: z.int().min(0).default(0),
});

const turn = z.strictObject({
  /** Only when it matches; without conditions, always. */
  when: z.strictObject({ lastToolResult: pattern.optional(), lastToolFailed: z.boolean().optional() }).optional(),
  thinking: z.string().optional(),
  text: z.string().optional(),
  calls: z.array(z.strictObject({ tool: z.string().min(1), input: z.record(z.string(), z.unknown()) })).default([]),
  usage: usage.prefault({}),
  stopReason: z.enum(['end_turn', 'tool_use', 'max_tokens', 'stop_sequence', 'pause_turn', 'refusal']).optional(),
  delayMs: milliseconds.default(0),
  deltaDelayMs: milliseconds.default(0),
  faults: z.array(fault).max(20).default([]),
});

const conversation = z.strictObject({
  name: z.string().min(1).max(100),
  /** All that are given must match; none given matches everything. */
  match: z
    .strictObject({ system: pattern.optional(), firstUser: pattern.optional(), model: pattern.optional() })
    .default({}),
  /** One after another; a list in place of a turn offers alternatives, and the first whose `when` matches is told. */
  turns: z.array(z.union([turn, z.array(turn).min(1)])).min(1),
  /** After the last turn: tell it again for ever, instead of an error. */
  repeatLast: z.boolean().default(false),
});

const script = z.strictObject({
  about: z.string().optional(),
  conversations: z.array(conversation).min(1),
});

export type Fault = z.infer<typeof fault>;
export type Turn = z.infer<typeof turn>;
export type Conversation = z.infer<typeof conversation>;
export type Script = z.infer<typeof script>;

/** @throws Error naming every fault of the script, with its path. */
export function parseScript(value: unknown): Script {
  const parsed = script.safeParse(value);
  if (!parsed.success) throw new Error(`The script is not valid.\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

export async function readScript(file: string): Promise<Script> {
  return parseScript(JSON.parse(await readFile(file, 'utf8')));
}
