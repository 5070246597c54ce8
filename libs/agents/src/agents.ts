// The face of this room: what a door (federation or REST) may ask of the agents on this machine.
// `owner` is opaque here: `local`, or the id of a connection. Who may ask is decided at the door.
import type {
  Actor,
  AgentCounts,
  AgentResource,
  AgentState,
  AgentType,
  BundleFacts,
  CheckpointResource,
  KillReport,
  Limits,
  OpenQuestion,
  PushPermit,
  Restored,
  SandboxLevel,
  SpawnArgs,
  TurnTaken,
} from '#protocol';
import type { Key } from '#store';
import type { UsageGroup, UsageQuestion } from './spending/report.js';

export interface SpawnRequest {
  readonly owner: string;
  readonly actor: Actor;
  /** Given by the caller when it is known before the effect (UUIDv8 of `con` and `idk`); else random. */
  readonly agentId?: string;
  readonly idk?: string;
  readonly args: SpawnArgs;
  /** What the door allows at most; absent means the spoke's own defaults and ceilings. Compiled from a grant. */
  readonly ceiling?: {
    readonly limits: Limits;
    readonly sandbox: SandboxLevel;
    readonly concurrentMax: number;
    /** A person has to approve it, within so long. */
    readonly approvalMs?: number;
  };
  /** Where the door lets it push: has to be there when the arguments ask for a push. */
  readonly push?: PushPermit;
  /** Runtimes and models were checked at the door; what remains is whether this spoke has them. */
}

export interface SendRequest {
  readonly agentId: string;
  /** Only an agent of this owner; absent: of any. */
  readonly owner?: string;
  readonly actor: Actor;
  /** Known before the effect: sent twice it is done once. */
  readonly turnId: string;
  readonly idk?: string;
  readonly input: string;
}

export interface CloseRequest {
  readonly agentId: string;
  readonly owner?: string;
  readonly actor: Actor;
  readonly reason: string;
  /** Also while a turn is on, and with work that is nowhere but here. */
  readonly force: boolean;
}

export interface RestoreRequest {
  readonly agentId: string;
  readonly owner?: string;
  readonly actor: Actor;
  /** Known before the effect, as that of a turn. */
  readonly turnId: string;
  readonly idk?: string;
  /** It shall be as it was before this turn. */
  readonly to: number;
  readonly reason: string;
}

export interface AgentFilter {
  /** Absent: all owners. */
  readonly owner?: string;
  readonly states?: readonly AgentState[];
  readonly taskId?: string;
  readonly agentType?: AgentType;
  /** Keyset: agents spawned before this one, newest first. */
  readonly after?: string;
  readonly limit?: number;
}

export interface OutputChunk {
  readonly offset: number;
  readonly text: string;
  readonly next: number;
  readonly end: boolean;
  readonly dropped: number;
}

/** A branch as a git bundle. */
export interface BundleFile extends BundleFacts {
  /** Bytes from an offset on; fewer than asked for only at the end. */
  readonly read: (offset: number, bytesMax: number) => Promise<Buffer>;
  /** All of it. */
  readonly content: () => AsyncIterable<Uint8Array>;
}

/** What a person says: yes, no, or one of the question's options. */
export interface Reply {
  readonly allow?: boolean;
  readonly option?: string;
  readonly reason?: string;
}

export interface Latch {
  readonly scope: string;
  readonly actor: Actor;
  readonly reason: string;
  readonly setAt: string;
}

/** The stream of an owner's agent events (`AgentEvent` values), appended in the commit of the state. */
export function agentEvents(owner: string): Key {
  return ['agents', 'events', owner];
}

export abstract class Agents {
  /** Validated, admitted, committed as `spawning`, and back at once; the run follows. Idempotent by `agentId`: the same arguments join, others are `idk_conflict`. */
  abstract spawn(request: SpawnRequest): Promise<AgentResource>;
  /** @throws WritError `not_found`, also for an agent of another owner. */
  abstract get(agentId: string, owner?: string): Promise<AgentResource>;
  /** `next` is the `after` of the next page. */
  abstract list(filter: AgentFilter): Promise<{ agents: readonly AgentResource[]; next?: string }>;
  abstract output(agentId: string, offset: number, bytesMax: number, owner?: string): Promise<OutputChunk>;
  /** Output from an offset on, as it comes, until the agent's end or the signal. */
  abstract follow(agentId: string, offset: number, signal: AbortSignal, owner?: string): AsyncIterable<OutputChunk>;
  /** What it changed, looked through for secrets. @throws WritError `withheld`, `not_found` */
  abstract diff(agentId: string, owner?: string): Promise<{ text: string; truncated: boolean }>;
  /**
   * Its branch as a git bundle above the commit that it began with, looked through for secrets.
   * @throws WritError `not_found`, also when it left no commits; `withheld`, `too_large`, `invalid_transition` while its work changes
   */
  abstract bundle(agentId: string, owner?: string): Promise<BundleFile>;
  /**
   * Another turn of a session: committed as begun, and back at once; its end comes as an event. Idempotent by `turnId`.
   * @throws WritError `invalid_transition` without a session or while a turn is on, `idk_conflict`, `not_found`.
   */
  abstract send(request: SendRequest): Promise<TurnTaken>;
  /**
   * Ends a session: the agent is `completed`, its work kept. Closing an ended one is no error.
   * @throws WritError `invalid_transition` with a report of what is at risk, or while a turn is on, unless forced; `not_found`.
   */
  abstract closeSession(request: CloseRequest): Promise<AgentResource>;
  /** What a session can go back to, oldest first. Empty for an agent without one, or that has ended. @throws WritError `not_found`. */
  abstract checkpoints(agentId: string, owner?: string): Promise<readonly CheckpointResource[]>;
  /**
   * Takes files, HEAD and conversation back to before a turn; what is there now is a checkpoint afterwards. Resolves when it is done. Idempotent by `turnId`.
   * @throws WritError `not_found` (also for the checkpoint), `invalid_transition` unless the session is idle, `idk_conflict`.
   */
  abstract restore(request: RestoreRequest): Promise<Restored>;
  /** Idempotent. With an `owner`, an id never seen leaves a tombstone and is ok; without, `not_found`. */
  abstract kill(agentId: string, actor: Actor, reason: string, owner?: string): Promise<KillReport>;
  /** Sets the latch of the scope (an owner, or `all`) first, then kills what lives, until a pass finds nothing. */
  abstract killAll(scope: string, actor: Actor, reason: string): Promise<KillReport>;
  /** Stops what an owner has alive because it is not heard any more: recorded `failed` with `connection_lost`; sets no latch. */
  abstract ownerLost(owner: string, reason: string): Promise<KillReport>;
  /** Clears a latch. A peer never clears a latch that it did not set. A latch of `all` is never cleared by an owner. Returns whether that scope is still latched. */
  abstract reset(scope: string, actor: Actor, reason: string): Promise<boolean>;
  abstract latches(): Promise<readonly Latch[]>;
  /** What waits for a person, the oldest first. */
  abstract questions(): Promise<readonly OpenQuestion[]>;
  /** @throws WritError `not_found`, `invalid_request` (no such option), `invalid_transition` (answered already) */
  abstract answer(questionId: string, reply: Reply, actor: Actor): Promise<OpenQuestion>;
  /** How many agents are in which state, over all owners. */
  abstract counts(): Promise<AgentCounts>;
  /** Live agents, over all owners or of one. */
  abstract live(owner?: string): Promise<number>;
  /**
   * Places left for an owner under the spoke's own limit: for hubs without the share that is kept for its own people, and as if
   * there were no other hub. [F-12]
   */
  abstract free(owner: string): Promise<number>;
  /** What was spent on some days, by owner, repository or day. @throws WritError `invalid_request` */
  abstract usage(question: UsageQuestion): Promise<readonly UsageGroup[]>;
}
