// The big stop: kills all agents of a scope and lets no new ones begin, until somebody resets it.
import type { AgentCountsResource, Hub, KillOutcomeResource, LatchBody, Spoke } from '#protocol';
import { useState } from 'preact/hooks';
import { useFeed } from '../../live/feed.js';
import { useMay, useSide } from '../../parts/allowed.js';
import { useAsked } from '../../parts/asked.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { Latches } from './latches.js';
import { StopReport } from './report.js';
import { StopForm } from './form.js';

type Peers = { readonly hubs?: readonly Hub[]; readonly spokes?: readonly Spoke[] };

export default function Stop() {
  const side = useSide();
  const peersPath = side === 'hub' ? '/v1/spokes' : '/v1/hubs';
  const latches = useAsked('latches', (signal) => get<{ latches: readonly LatchBody[] }>('/v1/kill', {}, signal));
  const counts = useAsked('counts', (signal) => get<AgentCountsResource>('/v1/agents/counts', {}, signal));
  const peers = useAsked(peersPath, (signal) => get<Peers>(peersPath, {}, signal));
  const [outcome, report] = useState<KillOutcomeResource>();
  useFeed((happened) => {
    if (happened.some((one) => !('event' in one) || one.event.type !== 'agent.output')) counts.again();
  });
  const mayStop = useMay('operator');
  const trouble = latches.trouble ?? counts.trouble ?? peers.trouble;
  const total = counts.value?.total;
  const open = (peers.value?.hubs ?? peers.value?.spokes ?? []).filter(({ state }) => state !== 'closed');
  const done = (next: KillOutcomeResource) => {
    report(next);
    latches.again();
    counts.again();
  };
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>The big stop</h1>
          <p>Kills every agent of a scope at once, and refuses new ones until it is reset.</p>
        </div>
      </div>
      {trouble && <TroubleBox trouble={trouble} />}
      {latches.value && <Latches of={latches.value.latches} reset={latches.again} />}
      {outcome && <StopReport of={outcome} />}
      {mayStop ? (
        <StopForm live={total && total.spawning + total.running} peers={open.map(({ name }) => name)} done={done} />
      ) : (
        <p class="faint">An operator or admin can stop agents and reset a stop.</p>
      )}
    </div>
  );
}
