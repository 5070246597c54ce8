// The record of an agent: the one source of truth about it, and the keys under which the store has it.
import type {
  Actor,
  AgentResource,
  AgentResult,
  AgentState,
  Cleanup,
  ExitReason,
  PushPermit,
  SandboxLevel,
  SpawnArgs,
} from '#protocol';
import type { Key } from '#store';

/** What an agent waits for while it is `spawning`. */
export type Phase = 'approval' | 'queued' | 'worktree' | 'sandbox';

export interface AgentRecord extends Omit<AgentResource, 'agentId' | 'phase' | 'sandbox' | 'actor' | 'spoke' | 'asOf'> {
  readonly agentId: string;
  readonly phase?: Phase;
  readonly idk?: string;
  /** Who spawned it; `actor` is who changed its state last. */
  readonly spawnedBy: Actor;
  readonly actor: Actor;
  /** Chosen at spawn; `enforced` is known once something runs in it. */
  readonly sandbox: { level: SandboxLevel; enforced: string[] };
  readonly outputDropped: number;
  /** Wall time of the turns of a session that have ended. */
  readonly busyMs?: number;
  /** Where the door lets it push, frozen at spawn. */
  readonly mayPush?: PushPermit;
  /** It is being taken back to an older state: there from the intent until all of it is done. */
  readonly restoring?: Restoring;
  /** How it ends once its work is pushed: there from the judgement to the end. */
  readonly judged?: Ending;
}

/** That a session is to be as it was before the turn `to`. The step has the number `turn`, and what was there before it is kept under that. */
export interface Restoring {
  readonly turnId: string;
  readonly turn: number;
  readonly to: number;
  readonly actor: Actor;
  readonly reason: string;
  readonly idk?: string;
}

/** How an agent ends. `reason` is a sentence for people. */
export interface Ending {
  readonly state: 'completed' | 'failed' | 'killed';
  readonly exitReason: ExitReason;
  readonly actor: Actor;
  readonly reason: string;
  readonly result?: AgentResult;
}

/** That an agent is to be stopped: by whom, and why. */
export interface Intent {
  readonly exitReason: ExitReason;
  readonly actor: Actor;
  readonly reason: string;
}

/** Whose an agent is while it is alive, and what of its clean-up is left when it has ended. Its absence means: nothing is left. */
export interface Lease {
  readonly agentId: string;
  readonly owner: string;
  /** The process that runs it; see recovery. */
  readonly holder: string;
  /** The machine and state folder where its sandbox, worktree and output are. */
  readonly site: string;
  /** Present from a kill on until the terminal state. */
  readonly intent?: Intent;
  /** Present from the terminal state on. */
  readonly ending?: { readonly done: Partial<Cleanup>; readonly attempts: number };
}

export const recordKey = (agentId: string): Key => ['agents', 'record', agentId];
export const leaseKey = (agentId: string): Key => ['agents', 'lease', agentId];
export const leases: Key = ['agents', 'lease'];

/** Index keys in the order of spawning, over all owners and of one. */
export const timeIndex = (owner?: string): Key =>
  owner === undefined ? ['agents', 'by-time'] : ['agents', 'by-owner', owner];

export function timeOrder(record: Pick<AgentRecord, 'agentId' | 'spawnedAt'>): string {
  return `${String(Date.parse(record.spawnedAt)).padStart(15, '0')}-${record.agentId}`;
}

export function isLive(state: AgentState): boolean {
  return state === 'spawning' || state === 'running';
}

/** Whether the agent stays after its first turn. */
export function hasSession({ options }: Pick<AgentRecord, 'options'>): boolean {
  return options.session !== undefined;
}

export function argsOf(record: AgentRecord): SpawnArgs {
  const { taskId, agentType, context, options } = record;
  return { taskId, agentType, context, options };
}

type Hidden = {
  -readonly [
    K in 'idk' | 'spawnedBy' | 'outputDropped' | 'mayPush' | 'judged' | 'busyMs' | 'restoring'
  ]: AgentRecord[K];
};

/** What the outside sees of a record. */
export function resourceOf(record: AgentRecord): AgentResource {
  const { level, enforced } = record.sandbox;
  const shown: AgentResource & Partial<Hidden> = {
    ...record,
    sandbox: { level, enforced: [...enforced] },
  };
  delete shown.mayPush;
  delete shown.judged;
  delete shown.restoring;
  delete shown.idk;
  delete shown.spawnedBy;
  delete shown.outputDropped;
  delete shown.busyMs;
  return shown;
}
