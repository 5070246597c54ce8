// What may be spent here: the spoke's own budget over all owners, and what the door allows one owner.
import { z } from 'zod';

/** Over all hubs and the spoke's own people. Days are UTC. How many agents live at once is `agents.agentsMax`. */
export const budgetOptions = z.strictObject({
  /** Millionths of a US dollar on one UTC day. */
  moneyMicroUsdPerDayMax: z.int().min(0).optional(),
  /** On one UTC day; all kinds of tokens count. */
  tokensPerDayMax: z.int().min(0).optional(),
  /** Agents spawned within any 60 seconds. */
  startsPerMinuteMax: z.int().min(0).max(1_000_000).optional(),
  /** Of each of these, and of `agents.agentsMax`, the part that hubs can never take from the spoke's own people. */
  localSharePercent: z.int().min(0).max(100).default(0),
});
export type Budget = z.output<typeof budgetOptions>;
export type BudgetInput = z.input<typeof budgetOptions>;

/** What one owner may spend beside the limits of each agent: its grant, as it stands now. Absent members: no limit. */
export interface Allowance {
  readonly perDay?: { readonly agents?: number; readonly tokens?: number; readonly moneyMicroUsd?: number };
  readonly startsPerMinute?: number;
  /** Models that its agents may use; absent: all that the runtime offers. */
  readonly models?: readonly string[];
  /** Hosts that its agents may reach, of those that the spoke names; absent: all of them. */
  readonly egress?: readonly string[];
}

/** Asked at every spawn, before every request to a model and every tunnel. Undefined for an owner without such limits. */
export type AllowanceOf = (owner: string) => Allowance | undefined | Promise<Allowance | undefined>;

/** The owner whose agents the spoke's own people spawn. */
export const localOwner = 'local';

/** The part of a spoke-wide limit that all hubs together may use. */
export function peersPart(max: number, { localSharePercent }: Pick<Budget, 'localSharePercent'>): number {
  return Math.floor((max * (100 - localSharePercent)) / 100);
}
