// What the whole room stands on; handed down from `createAgents` and never looked up elsewhere.
import type { Store } from '#store';
import type { Dial } from './egress/options.js';
import type { AgentsOptions } from './options.js';
import type { Resolver } from './profiles/resolver.js';
import type { AllowanceOf, Budget } from './spending/options.js';
import type { ReviewOptions } from './review/options.js';
import type { Sandbox } from './sandbox/sandbox.js';
import type { SecretScanner } from './secrets/scanner.js';
import type { Worktrees } from './worktrees/worktrees.js';

/** As pino has them. Causes go here and nowhere else. */
export interface AgentsLog {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

/** Told of what happens, by whoever counts it. */
export interface AgentsObserver {
  /** A kill was acknowledged, or told as not done, so many seconds after it was asked for. */
  killed(scope: 'agent' | 'all' | 'lost', seconds: number): void;
  /** A step of a clean-up was tried. */
  cleaned(step: 'sandbox' | 'worktree', outcome: 'done' | 'skipped' | 'failed'): void;
}

export interface AgentsDeps {
  readonly store: Store;
  /** In any order: the strongest that works on this machine is taken. Also those that do not work now: one may have left something when it did. */
  readonly sandboxes: readonly Sandbox[];
  readonly worktrees: Worktrees;
  readonly resolver: Resolver;
  readonly options: AgentsOptions;
  readonly review: ReviewOptions;
  readonly scanner: SecretScanner;
  readonly budget: Budget;
  readonly allowance: AllowanceOf;
  readonly dial: Dial;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The instance id of this spoke: the `source` of every event. */
  readonly sourceId: string;
  readonly log: AgentsLog;
  readonly observer: AgentsObserver;
}
