// All agents, filtered by the address, ten thousand of them as lightly as ten.
import type { AgentCountsResource } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { Icon } from '../../parts/icon.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { may, signedIn } from '../../rest/proof.js';
import { Link, usePlace } from '../../routing/router.js';
import { useCell } from '../../state/cell.js';
import { FilterBar } from './filter-bar.js';
import { filtersOf } from './filters.js';
import { useAgents } from './list.js';
import { AgentTable } from './table.js';

export default function Agents() {
  const { query } = usePlace();
  const who = useCell(signedIn);
  const filters = filtersOf(query);
  const list = useAgents(filters);
  const counts = useAsked('counts', (signal) => get<AgentCountsResource>('/v1/agents/counts', {}, signal));
  const isHub = who.state === 'in' && who.instance.role === 'hub';
  return (
    <div class="agents-page">
      <div class="page-head">
        <h1>Agents</h1>
        {who.state === 'in' && may(who.key.role, 'operator') && (
          <Link to="/spawn" class="button primary">
            <Icon name="spawn" /> Spawn
          </Link>
        )}
      </div>
      <FilterBar filters={filters} spokes={isHub ? (counts.value?.spokes ?? []).map(({ name }) => name) : undefined} />
      {list.stale.length > 0 && (
        <p class="note">
          Not connected: {list.stale.map(({ name }) => name).join(', ')}. What stands here of them may be old.
        </p>
      )}
      {list.trouble && (
        <TroubleBox trouble={list.trouble}>
          <button class="button" onClick={list.again}>
            Ask again
          </button>
        </TroubleBox>
      )}
      <AgentTable list={list} isHub={isHub} />
    </div>
  );
}
