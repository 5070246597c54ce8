// The audit log of a connection: its rows as they were said, and what verification says of them.
import type { Hub, Spoke } from '#protocol';
import { useSide } from '../../parts/allowed.js';
import { useAsked } from '../../parts/asked.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { filter, usePlace } from '../../routing/router.js';
import { Alarms } from './alarms.js';
import { AuditRows } from './rows.js';
import { Verification } from './verification.js';

type Peers = { readonly hubs?: readonly Hub[]; readonly spokes?: readonly Spoke[] };

export default function Audit() {
  const path = useSide() === 'hub' ? '/v1/spokes' : '/v1/hubs';
  const asked = useAsked(path, (signal) => get<Peers>(path, {}, signal));
  const { query } = usePlace();
  const peers = asked.value?.hubs ?? asked.value?.spokes ?? [];
  const chosen = query.get('peer') ?? peers[0]?.connectionId;
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Audit log</h1>
          <p>What this instance and a peer said to each other, exactly. Who reads it here is on record.</p>
        </div>
        {peers.length > 0 && (
          <label class="row">
            <span>With</span>
            <select class="peer" value={chosen} onChange={(event) => filter({ peer: event.currentTarget.value })}>
              {peers.map(({ name, connectionId, state }) => (
                <option key={connectionId} value={connectionId}>
                  {name} ({state})
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <Alarms />
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {asked.value && peers.length === 0 && <p class="empty">There is no connection yet, so nothing was said.</p>}
      {chosen !== undefined && <Verification key={chosen} peer={chosen} />}
      {chosen !== undefined && <AuditRows key={`rows ${chosen}`} peer={chosen} kind={query.get('kind') ?? ''} />}
    </div>
  );
}
