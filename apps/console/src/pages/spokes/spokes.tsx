// The spokes of a hub: who waits to be let in, who is there, and inviting another.
import type { Spoke } from '#protocol';
import { useEffect } from 'preact/hooks';
import { useFeed } from '../../live/feed.js';
import { useAsked } from '../../parts/asked.js';
import { useNow } from '../../parts/now.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { may, signedIn } from '../../rest/proof.js';
import { Link } from '../../routing/router.js';
import { useCell } from '../../state/cell.js';
import { ago, counted } from '../../words/figures.js';
import { linkOf, linkWords } from '../fleet/link.js';
import { Invites } from './invites.js';
import { Waiting } from './waiting.js';

const lookEveryMs = 4_000;

export default function Spokes() {
  const who = useCell(signedIn);
  const isAdmin = who.state === 'in' && may(who.key.role, 'admin');
  const asked = useAsked('spokes', async (signal) => (await get<{ spokes: Spoke[] }>('/v1/spokes', {}, signal)).spokes);
  useFeed(
    (happened) => happened.some((one) => !('event' in one) || one.event.type === 'grant.changed') && asked.again(),
  );
  useEffect(() => {
    const timer = setInterval(() => document.hidden || asked.again(), lookEveryMs);
    return () => clearInterval(timer);
  }, []);
  const all = asked.value ?? [];
  const waiting = all.filter(({ ours, state }) => state === 'pending' && ours.state === 'pending');
  const others = all.filter((spoke) => !waiting.includes(spoke));
  return (
    <div class="stack">
      <header class="page-head">
        <h1>Spokes</h1>
      </header>
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {waiting.map((spoke) => (
        <Waiting key={spoke.connectionId} spoke={spoke} isAdmin={isAdmin} again={asked.again} />
      ))}
      {isAdmin && <Invites />}
      <ul class="cards plain" aria-label="Spokes">
        {others.map((spoke) => (
          <Card key={spoke.connectionId} spoke={spoke} />
        ))}
      </ul>
    </div>
  );
}

function Card({ spoke }: { readonly spoke: Spoke }) {
  const { name, state, liveAgents, heardAt, labels, link } = spoke;
  const now = useNow();
  const kind = linkOf(spoke, now);
  return (
    <li class="card stack">
      <div class="row">
        <h2>
          <Link to={`/spokes/${encodeURIComponent(name)}`}>{name}</Link>
        </h2>
        <span class={`small link-${kind}`}>
          <span class="link-word">{state === 'closed' ? 'closed' : linkWords[kind]}</span>
        </span>
      </div>
      <p class="small faint">
        {counted(liveAgents)} agents alive, {link.kind} link{heardAt !== undefined && `, heard ${ago(heardAt, now)}`}
      </p>
      <Labels labels={labels} />
    </li>
  );
}

export function Labels({ labels }: { readonly labels: Spoke['labels'] }) {
  const pairs = Object.entries(labels);
  if (pairs.length === 0) return null;
  return (
    <ul class="labels" aria-label="Labels">
      {pairs.map(([key, value]) => (
        <li key={key}>
          {key}={value}
        </li>
      ))}
    </ul>
  );
}
