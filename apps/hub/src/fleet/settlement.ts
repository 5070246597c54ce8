// After the journal of a spoke began anew: agents that live on in the view are asked for, since their end may have gone with the
// old epoch. What the spoke does not know any more is lost; what has ended there has ended here too.
import { isTerminal, WritError, type AgentEvent, type AgentResource } from '#protocol';
import type { JournalView } from '#federation';
import type { Key, Store } from '#store';
import type { Queries } from '../spokes/queries.js';
import type { Fleet } from './fleet.js';

export interface SettlementDeps {
  readonly store: Store;
  readonly fleet: Pick<Fleet, 'amend' | 'lag' | 'of' | 'refresh'>;
  readonly queries: Pick<Queries, 'ask'>;
  readonly isReady: (connectionId: string) => boolean;
  /** Where the hub is in the journal of a connection. */
  readonly journal: (connectionId: string) => Promise<JournalView | undefined>;
  readonly failed: (error: unknown) => void;
}

/** The epoch for which a connection's agents were all asked for. */
const settledKey = (connectionId: string): Key => ['hub', 'fleet', 'settled', connectionId];

export class Settlement {
  private readonly busy = new Set<string>();
  /** What was read from the store of it, so that a heartbeat costs nothing. */
  private readonly settled = new Map<string, string>();

  constructor(private readonly deps: SettlementDeps) {}

  /** Call it whenever there may be something to settle: when a journal broke, when its spoke was heard. Never throws. */
  readonly look = (connectionId: string): void => {
    if (this.busy.has(connectionId) || !this.deps.isReady(connectionId)) return;
    this.busy.add(connectionId);
    this.settle(connectionId)
      .catch(this.deps.failed)
      .finally(() => this.busy.delete(connectionId));
  };

  private async settle(con: string): Promise<void> {
    const { store, fleet, journal } = this.deps;
    const view = await journal(con);
    if (!view?.break || (await this.isSettled(con, view.epoch)) || (await fleet.lag(con)) > 0) return;
    const live = [...fleet.of(con)].filter(({ state }) => !isTerminal(state));
    const known = await Promise.all(live.map((agent) => this.ask(con, agent, view.break?.at ?? '')));
    if (!known.every(Boolean)) return;
    await store.commit({ puts: [{ key: settledKey(con), value: view.epoch }] });
    this.settled.set(con, view.epoch);
  }

  private async isSettled(con: string, epoch: string): Promise<boolean> {
    if (this.settled.get(con) === epoch) return true;
    const known = (await this.deps.store.get<string>(settledKey(con)))?.value;
    if (known !== epoch) return false;
    // Another replica asked, or an earlier start: what came of it is in the store.
    await this.deps.fleet.refresh(con);
    this.settled.set(con, known);
    return true;
  }

  /** Whether it is known now what became of the agent. */
  private async ask(con: string, agent: AgentResource, brokeAt: string): Promise<boolean> {
    const { queries, fleet } = this.deps;
    try {
      const there = await queries.ask(con, 'agent.status', { agentId: agent.agentId });
      for (const event of endOf(there)) if (!(await fleet.amend(con, event))) return false;
      return true;
    } catch (error) {
      if (!(error instanceof WritError)) throw error;
      return error.code === 'not_found' && fleet.amend(con, lost(agent, brokeAt));
    }
  }
}

const head = ({ agentId }: AgentResource, time: string) =>
  ({ specversion: '1.0', id: `settled-${agentId}`, source: 'hub', subject: agentId, time }) as const;

/** The end that the journal would have told, and what was cleaned up; nothing for what lives. */
function endOf(agent: AgentResource): AgentEvent[] {
  const { state, reason = '', exitReason = 'finished', usage, outputBytes, result, actor = byHub } = agent;
  if (!isTerminal(state)) return [];
  const data = { reason, exitReason, usage, outputBytes, actor };
  const at = head(agent, agent.endedAt ?? agent.spawnedAt);
  const cleaned: AgentEvent[] = agent.cleanup
    ? [{ ...at, type: 'agent.cleanup', data: { cleanup: agent.cleanup } }]
    : [];
  if (state === 'completed')
    return [
      { ...at, type: 'agent.completed', data: { ...data, result: result ?? { summary: '', items: [] } } },
      ...cleaned,
    ];
  const type = state === 'killed' ? 'agent.killed' : 'agent.failed';
  return [{ ...at, type, data: { ...data, ...(result && { result }) } }, ...cleaned];
}

const byHub = { kind: 'system', id: 'hub' } as const;

function lost(agent: AgentResource, brokeAt: string): AgentEvent {
  const reason = `The spoke does not know this agent any more: it was made anew of an older state, and its journal began again at ${brokeAt}. What it did after that state is not known.`;
  const { usage, outputBytes } = agent;
  return {
    ...head(agent, brokeAt),
    type: 'agent.failed',
    data: { reason, exitReason: 'lost', usage, outputBytes, actor: byHub },
  };
}
