// What a spoke's admin does to the spoke itself. Each act is recorded, with who did it.
import type { Actor, GcReport, GcRequest } from '#protocol';
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
}
