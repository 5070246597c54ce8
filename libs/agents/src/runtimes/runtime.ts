// The Runtime port: how an agent thinks. Start with a signal, yield output and usage, end with a result.
import type { AgentResult, AgentType, ExitReason, Limits, Usage } from '#protocol';
import type { SandboxProcess } from '../sandbox/sandbox.js';

/** The task as a runtime sees it, all names resolved. */
export interface AgentTask {
  readonly agentId: string;
  readonly taskId: string;
  readonly agentType: AgentType;
  readonly repository: string;
  readonly branch: string;
  readonly workItems: readonly string[];
  readonly model?: string;
  readonly limits: Limits;
  /** The profile of `agentType` from the spoke's configuration. */
  readonly profile: AgentProfile;
  /** Skills mounted read-only inside the sandbox: name and folder inside. */
  readonly skills: readonly { readonly name: string; readonly path: string }[];
}

export interface AgentProfile {
  readonly systemPrompt: string;
  /** Names from the agent toolset: bash, read, write, edit, glob, grep. */
  readonly tools: readonly string[];
  /** Whether the worktree is mounted writable and changes are committed. */
  readonly writes: boolean;
  /** What the result must have: `items` always; `findings` or `verdict` by type. */
  readonly result: 'changes' | 'findings' | 'verdict';
}

/** What a runtime may use of the machine; every effect of an agent goes through here. */
export interface RuntimeHost {
  /** Aborted by kill, deadline, lost lease, spent budget, shutdown: one signal for all. */
  readonly signal: AbortSignal;
  /** Starts an argv in the agent's sandbox (worktree at `/work`, its cwd). Every launch of an agent shares its limits and its end. */
  launch(argv: readonly [string, ...string[]], env?: Readonly<Record<string, string>>): Promise<SandboxProcess>;
  /** Appends to the agent's output, in order. Back-pressure: await it. */
  output(text: string): Promise<void>;
  /**
   * Called *before* a request to a model: throws `LimitReached` when the budget is already spent.
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
}

export abstract class Runtime {
  /** The kind, as in the configuration: `claude`, `command`. */
  abstract readonly kind: string;

  /** Refuses what could not start, before anything changes: @throws WritError `no_model_key`, `runtime_unknown`. */
  abstract admit(task: Pick<AgentTask, 'agentType' | 'model'>): void;

  /** Runs to the end or to the signal. Never throws for what an agent does wrong: that is an outcome. */
  abstract run(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome>;
}
