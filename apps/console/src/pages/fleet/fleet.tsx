// The fleet of a hub as a picture, and the same in words beside it.
import type { AgentResource, LatchBody, Spoke } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { useNow } from '../../parts/now.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { Link } from '../../routing/router.js';
import { ago, counted, money } from '../../words/figures.js';
import { isOver } from '../../words/agents.js';
import { Picture } from './picture.js';
import { useFleet, type Fleet } from './shown.js';
import { linkOf, linkWords } from './link.js';

export default function FleetPage() {
  const fleet = useFleet();
  const latches = useAsked('latches', (signal) => get<{ latches: LatchBody[] }>('/v1/kill', {}, signal));
  const spokes = (fleet.spokes.value ?? []).filter(({ state }) => state !== 'closed');
  const agents = [...fleet.agents.values()];
  const bySpoke = Map.groupBy(agents, ({ spoke }) => spoke?.name ?? '');
  const trouble = fleet.spokes.trouble ?? fleet.asked.trouble;
  return (
    <div class="fleet">
      <header class="page-head">
        <div>
          <h1>Fleet</h1>
          <p>{summary(spokes, agents, fleet.alive)}</p>
        </div>
        <Legend />
      </header>
      {trouble && <TroubleBox trouble={trouble} />}
      {latches.value?.latches.map(({ scope, reason, actor }) => (
        <p class="note" key={scope}>
          The killswitch for <b>{scope}</b> is set by {actor.kind} {actor.id}: {reason}. No agent is spawned there until
          it is reset.
        </p>
      ))}
      {fleet.spokes.value && spokes.length === 0 ? (
        <div class="empty card">
          <h2>No spokes yet</h2>
          <p>A spoke is a partner’s machine that lets this hub run agents on it, as far as its own grant goes.</p>
          <Link to="/spokes" class="button primary">
            Invite one
          </Link>
        </div>
      ) : (
        <div class="fleet-parts">
          <Picture spokes={spokes} bySpoke={bySpoke} alive={fleet.alive} beats={fleet.beats} />
          <Words spokes={spokes} alive={fleet.alive} />
        </div>
      )}
    </div>
  );
}

function summary(spokes: readonly Spoke[], agents: readonly AgentResource[], alive: Fleet['alive']): string {
  const shown = agents.filter((agent) => !isOver(agent));
  const living = [...alive.values()].reduce((sum, one) => sum + one, 0);
  const spent = shown.reduce((sum, { usage }) => sum + usage.moneyMicroUsd, 0);
  const active = spokes.filter(({ state }) => state === 'active');
  const connected = active.filter((spoke) => spoke.connected).length;
  const words = `${counted(living)} agents alive, ${connected} of ${active.length} spokes connected`;
  // Of those that are not shown nobody knows here what they have spent.
  return living > shown.length ? words : `${words}, ${money(spent)} spent by those alive`;
}

const kinds = ['spawning', 'running', 'idle', 'completed', 'failed', 'killed'] as const;

function Legend() {
  return (
    <ul class="legend" aria-hidden="true">
      {kinds.map((kind) => (
        <li key={kind}>
          <svg viewBox="-8 -8 16 16">
            <use href={`#agent-${kind}`} class={`dot dot-${kind}`} />
          </svg>
          {kind}
        </li>
      ))}
    </ul>
  );
}

interface WordsProps {
  readonly spokes: readonly Spoke[];
  readonly alive: Fleet['alive'];
}

function Words({ spokes, alive }: WordsProps) {
  const now = useNow();
  return (
    <ul class="fleet-words" aria-label="Spokes">
      {spokes.map((spoke) => {
        const living = alive.get(spoke.name) ?? 0;
        const link = linkOf(spoke, now);
        return (
          <li key={spoke.connectionId} class={`card link-${link}`}>
            <div class="row">
              <b>{spoke.name}</b>
              <span class="small link-word">{linkWords[link]}</span>
            </div>
            <p class="small faint">
              {living === 0 ? (
                'no agents'
              ) : (
                <Link to={`/agents?state=spawning,running&spoke=${spoke.name}`}>{counted(living)} alive</Link>
              )}
              {spoke.grant && ` of ${spoke.grant.grant.concurrentMax}`}
              {spoke.heardAt !== undefined && `, heard ${ago(spoke.heardAt, now)}`}
            </p>
            {Object.entries(spoke.labels).length > 0 && (
              <p class="small faint">
                {Object.entries(spoke.labels)
                  .map(([key, value]) => `${key}=${value}`)
                  .join(' ')}
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}
