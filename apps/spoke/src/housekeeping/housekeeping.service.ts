// What a spoke's admin does to the spoke itself. Each act is recorded, with who did it.
import type { Actor, DrainState, GcReport, GcRequest } from '#protocol';
import type { LocalAgents } from '#agents';
import type { Acts } from '#api';

export class HousekeepingService {
  constructor(
    private readonly agents: LocalAgents,
    private readonly acts: Acts,
  ) {}

  /** A dry run changes nothing and is no act. The act is on record before anything goes. */
  async gc(request: GcRequest, actor: Actor): Promise<GcReport> {
    if (!request.dryRun) await this.acts.record({ act: 'gc', subject: 'disk', actor, detail: request });
    return this.agents.gc(request);
  }

  async drain(reason: string, actor: Actor): Promise<DrainState> {
    await this.agents.drain(actor, reason);
    await this.acts.record({ act: 'drain', subject: 'agents', actor, detail: { reason } });
    return this.drainState();
  }

  async lift(actor: Actor): Promise<DrainState> {
    await this.agents.lift();
    await this.acts.record({ act: 'drain.lift', subject: 'agents', actor, detail: {} });
    return this.drainState();
  }

  async drainState(): Promise<DrainState> {
    const [draining, live] = await Promise.all([this.agents.draining(), this.agents.live()]);
    return { draining: draining !== undefined, live, ...draining };
  }
}
