// The hubs of this spoke: how each stands, and in short what it may do.
import type { Hub } from '#protocol';
import { useFeed } from '../../live/feed.js';
import { useMay } from '../../parts/allowed.js';
import { useAsked } from '../../parts/asked.js';
import { useEvery } from '../../parts/every.js';
import { ConnectionTag, LinkHealth } from '../../parts/link.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { Link } from '../../routing/router.js';

const lookEveryMs = 5_000;

export default function Hubs() {
  const asked = useAsked('hubs', (signal) => get<{ hubs: readonly Hub[] }>('/v1/hubs', {}, signal));
  useEvery(lookEveryMs, asked.again);
  useFeed((happened) => {
    if (happened.some((one) => 'event' in one && one.event.type === 'grant.changed')) asked.again();
  });
  const isAdmin = useMay('admin');
  const hubs = asked.value?.hubs;
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Hubs</h1>
          <p>Who may have agents run here, and under which grant.</p>
        </div>
        {isAdmin && (
          <Link to="/join" class="button primary">
            Join a hub
          </Link>
        )}
      </div>
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {hubs?.length === 0 && <None isAdmin={isAdmin} />}
      <div class="cards">
        {hubs?.map((hub) => (
          <HubCard key={hub.connectionId} hub={hub} />
        ))}
      </div>
    </div>
  );
}

function None({ isAdmin }: { readonly isAdmin: boolean }) {
  return (
    <section class="empty">
      <h2>No hub yet</h2>
      <p>
        {isAdmin
          ? 'Ask a hub’s admin for an invite, and join with it.'
          : 'An admin of this spoke can join one with an invite.'}
      </p>
    </section>
  );
}

function HubCard({ hub }: { readonly hub: Hub }) {
  const { name, connectionId, grant } = hub;
  return (
    <section class="card stack" aria-label={name}>
      <div class="row apart">
        <h2 class="hub-name">
          <Link to={`/hubs/${connectionId}`}>{name}</Link>
        </h2>
        <ConnectionTag of={hub} />
      </div>
      <LinkHealth of={hub} />
      <p class="faint small">{grant ? inShort(grant) : 'It has no grant.'}</p>
    </section>
  );
}

function inShort({ version, grant }: NonNullable<Hub['grant']>): string {
  const { operations, agentTypes, concurrentMax, approval } = grant;
  const which = `Grant ${version}`;
  if (!operations.includes('agent.spawn') || agentTypes.length === 0)
    return `${which}: it may look, and spawn nothing.`;
  const asks = approval === 'none' ? '' : ' A person approves each.';
  return `${which}: up to ${concurrentMax} at once of ${agentTypes.join(', ')}.${asks}`;
}
