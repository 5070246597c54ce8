// What the agents of this machine have warm, as the REST face shows it.
import type { LocalAgents } from '#agents';
import type { PoolResource } from '#protocol';

export class PoolService {
  constructor(private readonly agents: Pick<LocalAgents, 'pool'>) {}

  view(): PoolResource {
    const { entries, ...figures } = this.agents.pool();
    return { ...figures, warm: entries.map(({ key, ...rest }) => ({ ...key, ...rest })) };
  }
}
