// What the agents of this machine have warm, as the REST face shows it.
import type { LocalAgents } from '#agents';
import type { PoolResource } from '#protocol';

export class PoolService {
  constructor(private readonly agents: Pick<LocalAgents, 'pool'>) {}

  view(): PoolResource {
    const { entries, evicted, ...figures } = this.agents.pool();
    const gone = Object.values(evicted).reduce((sum, count) => sum + count, 0);
    return { ...figures, evicted: gone, warm: entries.map(({ key, ...rest }) => ({ ...key, ...rest })) };
  }
}
