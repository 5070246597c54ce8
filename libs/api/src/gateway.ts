// The port between the REST face and the instance behind it: a hub answers for its fleet, a spoke for itself.
import type {
  Actor,
  AgentCountsResource,
  AgentEvent,
  AgentResource,
  AgentState,
  AgentType,
  BundleFacts,
  CheckpointResource,
  InstanceResource,
  KillReport,
  Labels,
  Problem,
  Readiness,
  Restored,
  SpawnArgs,
  SpokeSelector,
  TurnTaken,
} from '#protocol';

export interface Caller {
  readonly actor: Actor;
  readonly role: 'viewer' | 'operator' | 'admin';
}

export interface SpawnCommand {
  /** A hub needs it; a spoke refuses it. */
  readonly spoke?: SpokeSelector;
  readonly args: SpawnArgs;
  readonly idempotencyKey?: string;
  /** From `Prefer: wait=N`; how long to wait for a peer's signed answer. */
  readonly waitMs: number;
}

/** A command that a peer has not answered yet: `GET /v1/commands/:id` tells how it ends. Never on a spoke. */
export interface PendingCommand {
  readonly commandId: string;
  readonly agentId?: string;
  readonly spoke: string;
  readonly state: 'pending';
}

/** A spawn that was ordered for an agent of which its spoke has not told yet. Times are ISO 8601. */
export interface OrderedSpawn {
  readonly commandId: string;
  readonly agentId: string;
  readonly spoke: string;
  readonly args: SpawnArgs;
  /** `timed_out`: nobody knows whether it began; `failed`: it never will. */
  readonly state: 'pending' | 'delivered' | 'timed_out' | 'failed';
  readonly orderedAt: string;
  readonly settledAt?: string;
  readonly problem?: Problem;
}

/** Either the agent as the executing side confirmed it, or the command that is still on its way. */
export type Spawned = { readonly agent: AgentResource } | { readonly pending: PendingCommand };

/** What was killed and looked for, and the commands that no peer has answered yet (then the answer is 202, not 200). */
export interface KillOutcome {
  readonly report: KillReport;
  readonly pending: readonly PendingCommand[];
}

export interface SendCommand {
  readonly agentId: string;
  readonly input: string;
  readonly idempotencyKey?: string;
  readonly waitMs: number;
}

/** Either the turn that was taken on, or the command that is still on its way. */
export type Sent = { readonly turn: TurnTaken } | { readonly pending: PendingCommand };

export interface CloseCommand {
  readonly agentId: string;
  readonly force: boolean;
  readonly reason: string;
  readonly waitMs: number;
}

export interface RestoreCommand {
  readonly agentId: string;
  /** It shall be as it was before this turn. */
  readonly turn: number;
  readonly reason: string;
  readonly idempotencyKey?: string;
  readonly waitMs: number;
}

/** Either what was done, or the command that is still on its way. */
export type WentBack = { readonly restored: Restored } | { readonly pending: PendingCommand };

export interface AgentQuery {
  readonly states?: readonly AgentState[];
  readonly taskId?: string;
  readonly agentType?: AgentType;
  /** Name or id of a spoke; on a hub only. */
  readonly spoke?: string;
  /** Of spokes with all of these labels; on a hub only. */
  readonly labels?: Labels;
  /** Asks the spokes now; on a hub only, elsewhere every list is live. */
  readonly live?: boolean;
  readonly deadlineMs?: number;
  readonly cursor?: string;
  readonly limit: number;
}

export interface AgentPage {
  readonly agents: readonly AgentResource[];
  readonly nextCursor?: string;
  /** Spokes that are not connected: what stands here of them is as old as `asOf`. */
  readonly stale?: readonly { readonly name: string; readonly asOf?: string }[];
  /** Of a live list: who did not answer. */
  readonly unanswered?: readonly { readonly name: string; readonly reason: string }[];
  readonly truncated?: boolean;
}

/** Which live agents; every part that is there has to fit. */
export interface Selection extends Pick<AgentQuery, 'taskId' | 'agentType' | 'spoke' | 'labels'> {
  readonly states: readonly AgentState[];
}

export interface KillSelection {
  readonly select: Selection;
  readonly reason: string;
  readonly dryRun: boolean;
}

/** `cursor` resumes after this piece (`Last-Event-ID`); the last piece has `end`. */
export interface OutputPiece {
  readonly cursor: string;
  readonly text: string;
  readonly dropped: number;
  readonly end: boolean;
}

/** An agent's branch as a git bundle. */
export interface Bundle extends BundleFacts {
  readonly branch: string;
  /** All of it, from the beginning. */
  readonly content: () => AsyncIterable<Uint8Array>;
}

/** `cursor` resumes after this event. */
export interface EventPiece {
  readonly cursor: string;
  readonly event: AgentEvent;
  /** On a hub: which spoke it came from. */
  readonly spoke?: string;
}

/** Events that are no longer kept, between those before and those after this piece. `cursor` resumes after the gap. */
export interface EventGap {
  readonly cursor: string;
  readonly missing: number;
  /** On a hub: which spoke they came from. */
  readonly spoke?: string;
}

export interface KillScope {
  /** `all`; on a hub also `spoke:<name>`, on a spoke also `hub:<connection id>`. */
  readonly scope: string;
  readonly reason: string;
}

export interface LatchResource {
  readonly scope: string;
  readonly reason: string;
  readonly actor: Actor;
  readonly setAt: string;
}

export abstract class Gateway {
  abstract spawn(caller: Caller, command: SpawnCommand): Promise<Spawned>;
  abstract list(query: AgentQuery): Promise<AgentPage>;
  /** How many agents in which state. */
  abstract counts(): Promise<AgentCountsResource>;
  /** @throws WritError `not_found`. */
  abstract get(agentId: string): Promise<AgentResource>;
  /** Undefined for an agent that is there, and for one that nobody ordered. Never anything on a spoke. */
  abstract ordered(agentId: string): Promise<OrderedSpawn | undefined>;
  /** All such of late, newest first. */
  abstract orders(): Promise<readonly OrderedSpawn[]>;
  abstract output(agentId: string, cursor: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece>;
  /** What is there now after the cursor, `bytesMax` of it at most, without waiting for more. */
  abstract readOutput(agentId: string, cursor: string | undefined, bytesMax: number): Promise<OutputPiece>;
  abstract diff(agentId: string): Promise<{ text: string; truncated: boolean }>;
  /** Verified before it is handed out. @throws WritError `not_found`, also when it left no commits; `withheld`, `too_large`, `artifact_invalid`. */
  abstract bundle(agentId: string): Promise<Bundle>;
  /** Another turn of a session. @throws WritError `invalid_transition` without a session or while a turn is on. */
  abstract send(caller: Caller, command: SendCommand): Promise<Sent>;
  /** What a session can go back to, oldest first. @throws WritError `not_found`. */
  abstract checkpoints(agentId: string): Promise<readonly CheckpointResource[]>;
  /** Files and conversation as before a turn. @throws WritError `not_found`; `invalid_transition` unless the session is idle. */
  abstract restore(caller: Caller, command: RestoreCommand): Promise<WentBack>;
  /** Ends a session. @throws WritError `invalid_transition` with what is at risk, unless forced. */
  abstract close(caller: Caller, command: CloseCommand): Promise<Spawned>;
  /** Idempotent. `waitMs`: how long to wait for a peer's signed answer. */
  abstract kill(caller: Caller, agentId: string, reason: string, waitMs: number): Promise<KillOutcome>;
  /** All live agents that fit; sets no latch. With `dryRun` the report names those that would be killed, and none is. */
  abstract killSelected(caller: Caller, kill: KillSelection, waitMs: number): Promise<KillOutcome>;
  abstract killAll(caller: Caller, scope: KillScope, waitMs: number): Promise<KillOutcome>;
  abstract latches(): Promise<readonly LatchResource[]>;
  abstract reset(caller: Caller, scope: KillScope): Promise<readonly LatchResource[]>;
  /** Where events are no longer kept it says how many are missing, and goes on with what is left. */
  abstract events(cursor: string | undefined, signal: AbortSignal): AsyncIterable<EventPiece | EventGap>;
  /** The cursor after everything that has happened so far; undefined while nothing has. */
  abstract eventsEnd(): Promise<string | undefined>;
  /** Who this instance is and what it finds wrong with itself, for `writ doctor`. */
  abstract instance(): Promise<InstanceResource>;
  /** Whether it can do its work now; `reasons` say what is missing. */
  abstract ready(): Promise<Readiness>;
}
