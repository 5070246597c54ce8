// Opens the room: options compiled, parts put together, recovery done.
import { WritError } from '#protocol';
import type { Store } from '#store';
import type { AgentsDeps, AgentsLog, AgentsObserver } from './deps.js';
import type { Dial } from './egress/options.js';
import { BoundedStore } from './lifecycle/bounded-store.js';
import { LocalAgents } from './local.js';
import { agentsOptions, type AgentsOptionsInput } from './options.js';
import { doors, laid } from './parts.js';
import type { Resolver } from './profiles/resolver.js';
import { Holder } from './recovery/holder.js';
import { reviewOptions, type ReviewInput } from './review/options.js';
import { budgetOptions, type AllowanceOf, type BudgetInput } from './spending/options.js';
import type { Sandbox } from './sandbox/sandbox.js';
import type { SecretScanner } from './secrets/scanner.js';
import { SecretlintScanner } from './secrets/secretlint/secretlint.scanner.js';
import type { Worktrees } from './worktrees/worktrees.js';

export interface CreateAgents {
  readonly store: Store;
  /** In any order: the strongest that works on this machine is taken. Also those that do not work now: one may have left something when it did. */
  readonly sandboxes: readonly Sandbox[];
  readonly worktrees: Worktrees;
  readonly resolver: Resolver;
  readonly options: AgentsOptionsInput;
  /** Which commands have to pass, and what the secret scan looks at; no commands by default. */
  readonly review?: ReviewInput;
  /** secretlint by default. Ended with the agents. */
  readonly scanner?: SecretScanner;
  /** Over all owners; no limit by default. */
  readonly budget?: BudgetInput;
  /** What an owner may spend as its grant stands now; by default no owner has such limits. */
  readonly allowance?: AllowanceOf;
  /** Connects agents to the hosts of `options.egress`; by default nothing is dialled. */
  readonly dial?: Dial;
  /** Names this process among those that share the store; another one at every start. Random by default. */
  readonly process?: string;
  /** The instance id of this spoke. */
  readonly sourceId: string;
  readonly log: AgentsLog;
  /** Told of kills and clean-ups; nobody by default. */
  readonly observer?: AgentsObserver;
  /** Epoch milliseconds; the machine's clock by default. */
  readonly now?: () => number;
}

/**
 * The agents of this machine, after recovery: what a crash left behind has been ended and is being cleaned up when this
 * resolves. End it with `close()`.
 * @throws ZodError for options that are not valid; what the store throws.
 */
export async function createAgents(given: CreateAgents): Promise<LocalAgents> {
  const options = agentsOptions.parse(given.options);
  const store = new BoundedStore(given.store, options.storeMs);
  const budget = budgetOptions.parse(given.budget ?? {});
  const review = reviewOptions.parse(given.review ?? {});
  const { allowance = () => undefined, dial = noWay, now = Date.now, observer = nobody } = given;
  const scanner = given.scanner ?? new SecretlintScanner(review.secrets.scanMs);
  const deps: AgentsDeps = { ...given, options, review, scanner, budget, allowance, dial, store, now, observer };
  const holder = await Holder.open(deps.store, { ...options, id: given.process }, deps.log);
  const ground = await laid(deps, holder);
  const agents = new LocalAgents(deps, ground, doors(deps, ground, holder));
  await agents.open();
  return agents;
}

const nobody: AgentsObserver = { killed: () => undefined, cleaned: () => undefined };

const noWay: Dial = () => {
  throw new WritError('invalid_request', 'No way leads out of this spoke.');
};
