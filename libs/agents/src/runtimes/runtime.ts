// The Runtime port: how an agent thinks. Start with a signal, yield output and usage, end with a result.
import {
  WritError,
  type AgentResult,
  type AgentType,
  type ExitReason,
  type Limits,
  type Question,
  type QuestionAnswer,
  type Usage,
} from '#protocol';
import type { Mount, SandboxProcess } from '../sandbox/sandbox.js';
import type { Price } from './claude/prices.js';

/** The task as a runtime sees it, all names resolved. */
export interface AgentTask {
  readonly agentId: string;
  readonly taskId: string;
  readonly agentType: AgentType;
  readonly repository: string;
  readonly branch: string;
  readonly workItems: readonly string[];
  readonly model?: string;
  /** The session's name: the agent is asked again after its first turn. */
  readonly session?: string;
  readonly limits: Limits;
  /** The profile of `agentType` from the spoke's configuration. */
  readonly profile: AgentProfile;
  readonly skills: readonly AgentSkill[];
}

/** A skill mounted read-only inside the sandbox: `path` is its folder there, `description` what its SKILL.md says of itself. */
export interface AgentSkill {
  readonly name: string;
  readonly description: string;
  readonly path: string;
}

export interface AgentProfile {
  readonly systemPrompt: string;
  /** Names from the agent toolset: bash, read, write, edit, glob, grep. */
  readonly tools: readonly string[];
  /** Whether the worktree is mounted writable. (A tester writes build products, which nobody commits.) */
  readonly writes: boolean;
  /** What the result must have: `items` always; `findings` or `verdict` by type. What an agent leaves is committed for `changes` only. */
  readonly result: 'changes' | 'findings' | 'verdict';
}

/** Thrown by `admitTurn` and `output` when a limit is used up: the run ends with that reason. Stays within this room. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached';

  constructor(
    readonly exitReason: Extract<ExitReason, 'turns' | 'tokens' | 'money' | 'output'>,
    message = `The limit of the agent on ${exitReason} is reached.`,
  ) {
    super(message);
  }
}

/** A model API as a runtime is configured for it. The key stays in the spoke. */
export interface ModelUpstream {
  readonly baseUrl: string;
  /** Read anew for every request. Undefined or empty: there is none. */
  readonly key: () => string | undefined;
  /** Undefined for a model that may not be used. */
  readonly price: (model: string) => Price | undefined;
}

/** Why the last request to the model did not succeed: the machine's word and a sentence for the state of the agent. */
export interface ModelTrouble {
  readonly exitReason: ExitReason;
  readonly failure: string;
}

/**
 * The model API as one agent may use it. Every request is judged and what it may cost is reserved before it is forwarded,
 * and its cost is recorded before its end is told; nothing else has to be admitted or recorded for it.
 */
export interface ModelAccess {
  /** For a runtime outside the sandbox. It rejects with `LimitReached`; all other refusals are answers. Asks for less output when all of it does not fit. */
  fetch(upstream: ModelUpstream): typeof fetch;
  /** As the host's `launch`, for a program that finds the model API at `ANTHROPIC_BASE_URL` under a token of its own, `ANTHROPIC_API_KEY`. */
  launch(
    upstream: ModelUpstream,
    argv: readonly [string, ...string[]],
    env?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<SandboxProcess>;
  /** Of the last request; undefined when it succeeded, or failed by a mistake of the caller. */
  readonly trouble?: ModelTrouble;
}

/** What a person is asked before an agent does something. Times are in milliseconds. */
export interface PermissionWish extends Pick<Question, 'title' | 'detail' | 'options'> {
  readonly withinMs: number;
}

/** What a runtime may use of the machine; every effect of an agent goes through here. */
export interface RuntimeHost {
  /** Aborted by kill, deadline, lost lease, spent budget, shutdown: one signal for all. */
  readonly signal: AbortSignal;
  /** Where a program inside finds the worktree: `/work`, but where nothing can be mounted. */
  readonly work: string;
  /**
   * Starts an argv in the agent's sandbox (worktree at `/work`, its cwd). Every launch of an agent shares its limits and its end;
   * aborting `signal` ends this one alone, at once and without grace.
   */
  launch(
    argv: readonly [string, ...string[]],
    env?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<SandboxProcess>;
  readonly model: ModelAccess;
  /** Appends to the agent's output, in order. Back-pressure: await it. */
  output(text: string): Promise<void>;
  /**
   * Puts a question to the people of the spoke and waits; time that is up counts as a refusal. One question at a time:
   * the next may be put when this one has settled. Aborting `signal` withdraws it.
   * @throws the reason of the signal; WritError `invalid_transition`, `store_unavailable`
   */
  permission(wish: PermissionWish, signal: AbortSignal): Promise<QuestionAnswer>;
  /**
   * For requests to a model that do not pass through `model`. Called *before* one: throws `LimitReached` when the budget is already spent.
   * Called *after* with what it cost: persisted and published.
   */
  admitTurn(): Promise<void>;
  record(delta: Usage): Promise<void>;
}

export interface RuntimeOutcome {
  readonly exitReason: ExitReason;
  /** Without `branch`, `commit`, `changes`: these the spawner finds in the worktree. */
  readonly result: AgentResult;
  /** Present when the run failed: one sentence, without secrets. */
  readonly failure?: string;
  /** For the log only. */
  readonly cause?: unknown;
}

/** What a turn is about. The first is the task itself and has no input of its own. */
export interface Turn {
  readonly turnId: string;
  /** From 1. */
  readonly turn: number;
  readonly input?: string;
}

/** An agent's runtime under way: takes turns one after the other. Everything of it ends with the host's signal. */
export abstract class Backend {
  /** As `Runtime.run`, for one turn. Never called while another turn is on. */
  abstract turn(turn: Turn): Promise<RuntimeOutcome>;
  /** What a later backend needs to go on from here, opaque to everyone else; undefined when there is nothing to remember. */
  abstract memory(): string | undefined;
  /** Whether nothing of it works now. One that cannot say counts as busy. */
  abstract idle(): Promise<boolean>;
  /** Ends its processes; a turn that comes after all starts them anew. Resolves when they are gone; may hang, and is then not waited for. Idempotent. */
  abstract close(): Promise<void>;
}

export abstract class Runtime {
  /** The kind, as in the configuration: `claude`, `command`. */
  abstract readonly kind: string;

  /** What it needs to see inside the sandbox, read-only: its own tools, below `/opt/writ`. */
  abstract readonly mounts: readonly Mount[];

  /** Refuses what could not start, before anything changes: @throws WritError `no_model_key`, `invalid_request` (model). */
  abstract admit(task: Pick<AgentTask, 'agentType' | 'model'>): void;

  /**
   * Runs to the end or to the signal. Never throws for what an agent does wrong: that is an outcome, and so is a limit.
   * Once the signal is aborted the outcome says `killed`; whoever aborted knows better why.
   * @throws WritError only what the host threw: the sandbox could not be made.
   */
  abstract run(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome>;

  /**
   * Whether what its agents keep in their home is needed by a later backend: a session's home is then a folder of the spoke,
   * writable at `homeFolder`, and goes with the session. Else it is in memory and gone with each launch.
   */
  readonly keepsHome: boolean = false;

  /** Whether its backends go on after the first turn: only then may a spawn name a session. */
  readonly takesTurns: boolean = false;

  /** Starts nothing yet. `memory` is what an earlier backend of the same agent left. One that takes one turn needs no more than `run`. */
  open(task: AgentTask, host: RuntimeHost, memory?: string): Backend {
    if (memory !== undefined) throw new WritError('internal', 'A runtime of one turn remembers nothing.');
    return new OneTurn(() => this.run(task, host));
  }
}

/** The backend of a runtime that runs once. */
class OneTurn extends Backend {
  constructor(private readonly run: () => Promise<RuntimeOutcome>) {
    super();
  }

  turn(): Promise<RuntimeOutcome> {
    return this.run();
  }

  memory(): undefined {
    return undefined;
  }

  idle(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
