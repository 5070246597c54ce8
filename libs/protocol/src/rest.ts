// The REST resources that hub and spoke share: spawn requests, pages, kills, latches, problems. What only one
// of them has (spokes, invites, commands; hubs, grants) is in rest.peers.ts.
import { z } from 'zod';
import { actor } from './actor.js';
import { agentResource, agentState, agentType, spawnArgs } from './agent.js';
import { errorCodes } from './errors.js';
import type { ErrorCode } from './errors.js';
import { agentEvent } from './events.js';
import { agentId, nonce128, spokeName, taskId, thumbprint, time } from './names.js';
import { killReport, operationName } from './operations.js';
import { labelQuery, spokeRef, spokeSelector, staleSpoke, unanswered } from './selection.js';

/** Why somebody does something: it goes into the records of both sides. */
export const reason = z.string().trim().min(1).max(500);

/** What a page's `nextCursor` gave; opaque to the client. */
export const pageCursor = z.string().regex(/^[\x21-\x7e]{1,512}$/, 'must be a cursor of an earlier page');

/** Where a reader of `GET /v1/events` is: as long as there are streams in it. */
export const eventCursor = z.string().regex(/^[\x21-\x7e]{1,12000}$/, 'must be an id of this stream');

/** A page of a list: 1 to 200 entries, 50 by default. */
export const pageLimit = z.coerce.number().pipe(z.int().min(1).max(200)).default(50);

/** A query parameter that may be given once, several times, or with commas. */
function several<T extends z.ZodType>(item: T) {
  const parts = (value: unknown) => (typeof value === 'string' ? value.split(',') : value);
  return z.preprocess(parts, z.array(item).min(1).max(20));
}

/** RFC 9457 problem details with Writ's closed list of codes. */
export const problem = z.strictObject({
  type: z.string().max(200),
  title: z.string().max(200),
  status: z.int().min(400).max(599),
  code: z.enum(errorCodes as [ErrorCode, ...ErrorCode[]]),
  detail: z.string().max(4_000),
  next: z.string().max(500),
  field: z.string().max(500).optional(),
  retryAfterMs: z.int().min(0).optional(),
  instance: z.string().max(200).optional(),
});

/** `POST /v1/agents`. A hub needs `spoke`, a spoke refuses it. */
export const spawnRequest = z.strictObject({ spoke: spokeSelector.optional(), ...spawnArgs.shape });
export type SpawnRequestBody = z.input<typeof spawnRequest>;

/** `GET /v1/agents`. */
export const agentListQuery = z.strictObject({
  state: several(agentState).optional(),
  taskId: taskId.optional(),
  agentType: agentType.optional(),
  spoke: spokeRef.optional(),
  /** `key=value`: of spokes that have these labels. */
  label: labelQuery.optional(),
  /** Asks the spokes now instead of reading what their journals told: one page, with those that did not answer named. */
  live: z.stringbool().default(false),
  /** How long a live list waits, 100 to 30,000 ms; 2,000 by default. */
  deadlineMs: z.coerce.number().pipe(z.int().min(100).max(30_000)).default(2_000),
  cursor: pageCursor.optional(),
  limit: pageLimit,
});
export type AgentListQuery = z.input<typeof agentListQuery>;

/** `stale` and `unanswered` are a hub's. A live list that had to leave out older agents is `truncated`. */
export const agentPage = z.strictObject({
  agents: z.array(agentResource),
  nextCursor: pageCursor.optional(),
  stale: z.array(staleSpoke).optional(),
  unanswered: z.array(unanswered).optional(),
  truncated: z.boolean().optional(),
});
export type AgentPageResource = z.infer<typeof agentPage>;

/** The body of a 202: the command is on its way; `Location` says where its end can be read. */
export const pendingCommand = z.strictObject({
  commandId: nonce128,
  agentId: agentId.optional(),
  spoke: spokeName,
  state: z.literal('pending'),
});

/** `GET /v1/agents/:id/output`: an event stream, or with `follow=false` what is there now. `cursor` resumes after a piece. */
export const outputQuery = z.strictObject({
  follow: z.stringbool().default(true),
  cursor: pageCursor.optional(),
});

/** `end` says that nothing will follow; `dropped` counts bytes that no longer exist before this text. */
export const outputPiece = z.strictObject({
  cursor: pageCursor,
  text: z.string(),
  dropped: z.int().min(0),
  end: z.boolean(),
});

export const diffResource = z.strictObject({ text: z.string(), truncated: z.boolean() });

/** `POST /v1/agents/:id/kill`, and every other act that only needs its why. */
export const reasonBody = z.strictObject({ reason });

export const killScope = z
  .string()
  .regex(
    /^(all|(spoke|hub):[A-Za-z0-9_-][A-Za-z0-9._-]{0,63})$/,
    'must be `all`, `spoke:<name>` on a hub, or `hub:<name or connection id>` on a spoke',
  );

/** `POST /v1/kill` sets the latch of the scope and kills; `POST /v1/kill/reset` lets agents be spawned again. */
export const killBody = z.strictObject({ scope: killScope.default('all'), reason });
export type KillBody = z.input<typeof killBody>;

/** 200 when `pending` is empty; else 202, and the commands say how they end. */
export const killOutcome = z.strictObject({ report: killReport, pending: z.array(pendingCommand) });
export type KillOutcomeResource = z.infer<typeof killOutcome>;

export const latch = z.strictObject({ scope: killScope, reason, actor, setAt: time });
export type LatchBody = z.infer<typeof latch>;
export const latchPage = z.strictObject({ latches: z.array(latch) });

/**
 * `GET /v1/events`: `Last-Event-ID` wins over `cursor`, and both over `from`. With `from=now` the stream begins with a message
 * `from`, whose id is the place after all that has happened, if anything has.
 */
export const eventQuery = z.strictObject({
  cursor: eventCursor.optional(),
  from: z.enum(['beginning', 'now']).default('beginning'),
});

/**
 * The data of one message of `GET /v1/events`; its SSE id is the cursor, its SSE event the event's type. The SSE event `gap`
 * says how many entries before the next event are no longer kept.
 */
export const eventMessage = z.union([
  z.strictObject({ event: agentEvent, spoke: spokeName.optional() }),
  z.strictObject({ missing: z.int().min(1), spoke: spokeName.optional() }),
  z.strictObject({ from: z.literal('now') }),
]);

/** One look of an instance at itself; `cure` says what a person can do. */
export const check = z.strictObject({
  name: z.string().max(60),
  outcome: z.enum(['ok', 'warning', 'failed']),
  detail: z.string().max(1_000),
  cure: z.string().max(1_000).optional(),
});
export type Check = z.infer<typeof check>;

/** `GET /readyz`: `reasons` why it cannot do its work; `warnings` of what will be a reason unless somebody looks. */
export const readiness = z.strictObject({
  ready: z.boolean(),
  reasons: z.array(z.string().max(1_000)).max(50),
  warnings: z.array(z.string().max(1_000)).max(50).optional(),
});
export type Readiness = z.infer<typeof readiness>;

/** `GET /v1/instance`: who this is, what its clock says, and what it found wrong with itself. `words` are its fingerprint's six. */
export const instanceResource = z.strictObject({
  role: z.enum(['hub', 'spoke']),
  id: thumbprint,
  name: spokeName,
  words: z.array(z.string()).length(6),
  version: z.string().max(60),
  time,
  operations: z.array(operationName),
  checks: z.array(check).max(50),
});
export type InstanceResource = z.infer<typeof instanceResource>;
