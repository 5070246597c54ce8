// What each hub has used of its day.
import type { Hub, UsageReport } from '#protocol';
import { useFeed } from '../../live/feed.js';
import { useAsked } from '../../parts/asked.js';
import { Meter } from '../../parts/facts.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { Link } from '../../routing/router.js';
import { counted, money, shortly } from '../../words/figures.js';

export function Today() {
  const usage = useAsked('usage-today', (signal) => get<UsageReport>('/v1/usage', { by: 'hub' }, signal));
  const hubs = useAsked('hubs', (signal) => get<{ hubs: readonly Hub[] }>('/v1/hubs', {}, signal));
  useFeed((happened) => {
    if (happened.some((one) => 'event' in one && one.event.type !== 'agent.output')) usage.again();
  });
  const trouble = usage.trouble ?? hubs.trouble;
  if (trouble) return <TroubleBox trouble={trouble} />;
  const rows = new Map(usage.value?.rows.map((row) => [row.key, row]));
  const open = hubs.value?.hubs.filter(({ state }) => state !== 'closed') ?? [];
  if (open.length === 0) return null;
  return (
    <section class="stack" aria-label="Today, by hub">
      <h2>Today, against the limits of the grants</h2>
      <div class="cards">
        {open.map((hub) => (
          <OfHub key={hub.connectionId} hub={hub} row={rows.get(hub.name)} />
        ))}
      </div>
    </section>
  );
}

type Row = UsageReport['rows'][number];

const tokensOf = ({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Row) =>
  inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;

function OfHub({ hub: { name, connectionId, grant }, row }: { readonly hub: Hub; readonly row: Row | undefined }) {
  const limits = grant?.grant.perDay;
  return (
    <div class="card stack">
      <h3 class="hub-name">
        <Link to={`/hubs/${connectionId}`}>{name}</Link>
      </h3>
      <Meter name="Agents" value={row?.agents ?? 0} max={limits?.agents} say={counted} />
      <Meter name="Tokens" value={row ? tokensOf(row) : 0} max={limits?.tokens} say={shortly} />
      <Meter name="Money" value={row?.moneyMicroUsd ?? 0} max={limits?.moneyMicroUsd} say={money} />
    </div>
  );
}
