// The runs of this process. A cache of what the store's leases say, so that a kill finds its run without asking anyone.
import type { Run } from './run.js';

export class Runs {
  private readonly byAgent = new Map<string, { readonly run: Run; readonly over: Promise<void> }>();

  /** Starts a run and forgets it when it is cleaned up. */
  start(run: Run): void {
    const over = run.live().finally(() => this.byAgent.delete(run.agentId));
    this.byAgent.set(run.agentId, { run, over });
  }

  get(agentId: string): Run | undefined {
    return this.byAgent.get(agentId)?.run;
  }

  has(agentId: string): boolean {
    return this.byAgent.has(agentId);
  }

  all(owner?: string): Run[] {
    const runs = [...this.byAgent.values()].map(({ run }) => run);
    return owner === undefined ? runs : runs.filter((run) => run.owner === owner);
  }

  /** When all that runs now is over, cleaned up included. */
  async over(): Promise<void> {
    await Promise.all([...this.byAgent.values()].map(({ over }) => over));
  }
}
