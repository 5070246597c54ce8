// One hub: who it is, how the connection stands, what it may do, and what an admin of this spoke does about it.
import type { HeldGrant, Hub } from '#protocol';
import { useState } from 'preact/hooks';
import { useFeed } from '../../live/feed.js';
import { useMay } from '../../parts/allowed.js';
import { useAsked } from '../../parts/asked.js';
import { useEvery } from '../../parts/every.js';
import { FactList } from '../../parts/fact-list.js';
import { ConnectionTag, LinkHealth } from '../../parts/link.js';
import { SixWords } from '../../parts/six-words.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { Link } from '../../routing/router.js';
import { clock } from '../../words/figures.js';
import { ActDialog, actsOf, type HubAct } from './acts.js';
import { GrantFacts } from './grant-facts.js';

const lookEveryMs = 5_000;

export default function HubPage({ params: { id = '' } }: { readonly params: Readonly<Record<string, string>> }) {
  const path = `/v1/hubs/${encodeURIComponent(id)}`;
  const asked = useAsked(path, (signal) => get<Hub>(path, {}, signal));
  const grant = useAsked(`${path}/grant`, (signal) => get<HeldGrant>(`${path}/grant`, {}, signal));
  useEvery(lookEveryMs, asked.again);
  useFeed((happened) => {
    if (happened.some((one) => 'event' in one && one.event.type === 'grant.changed')) grant.again();
  });
  const hub = asked.value;
  if (!hub) return asked.trouble ? <TroubleBox trouble={asked.trouble} /> : <p class="loading">Loading…</p>;
  return (
    <div class="stack">
      <Head hub={hub} again={asked.again} />
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {hub.state === 'pending' && <Pending />}
      <About hub={hub} />
      {grant.value && <GrantCard hub={hub} held={grant.value} />}
      {grant.trouble && <TroubleBox trouble={grant.trouble} />}
    </div>
  );
}

function Head({ hub, again }: { readonly hub: Hub; readonly again: () => void }) {
  const [act, choose] = useState<HubAct>();
  const isAdmin = useMay('admin');
  return (
    <div class="page-head">
      <div class="row">
        <h1>{hub.name}</h1>
        <ConnectionTag of={hub} />
      </div>
      {isAdmin && (
        <div class="row">
          {actsOf(hub).map((one) => (
            <button key={one} class={one === 'close' ? 'button danger' : 'button'} onClick={() => choose(one)}>
              {one === 'close' ? 'Close for good' : one === 'suspend' ? 'Suspend' : 'Resume'}
            </button>
          ))}
        </div>
      )}
      {act && <ActDialog act={act} hub={hub} done={again} onClose={() => choose(undefined)} />}
    </div>
  );
}

/** What the hub's admin compares before accepting are our words, not theirs. */
function Pending() {
  const asked = useAsked('instance', (signal) => get<{ words: readonly string[] }>('/v1/instance', {}, signal));
  return (
    <section class="card stack">
      <h2>The hub has not accepted yet</h2>
      <p>Its admin sees these six words of this spoke. Read them to each other, over a way that you both trust.</p>
      {asked.value && <SixWords words={asked.value.words} />}
    </section>
  );
}

function About({ hub }: { readonly hub: Hub }) {
  const { id, connectionId, words, link, createdAt, ours, theirs, journal } = hub;
  return (
    <section class="card stack">
      <div class="row apart">
        <h2>Connection</h2>
        <LinkHealth of={hub} />
      </div>
      <SixWords words={words} />
      <FactList
        of={[
          ['Link', link.kind === 'broker' ? 'over the broker' : `${link.kind}, ${link.url ?? ''}`],
          ['We say', ours.state],
          ['They say', theirs.state],
          ['Since', clock(createdAt)],
          ['Hub', <code>{id}</code>],
          ['Connection', <code>{connectionId}</code>],
          ['Events told', journal && journal.seq.toLocaleString('en')],
        ]}
      />
    </section>
  );
}

function GrantCard({ hub, held }: { readonly hub: Hub; readonly held: HeldGrant }) {
  const { version, edited, grant } = held;
  const isAdmin = useMay('admin');
  return (
    <section class="card stack">
      <div class="row apart">
        <div>
          <h2>Grant, version {version}</h2>
          {edited && (
            <p class="faint small">
              {clock(edited.at)} by {edited.actor.kind} {edited.actor.id}
              {edited.reason !== undefined && `: ${edited.reason}`}
            </p>
          )}
        </div>
        {isAdmin && hub.state !== 'closed' && (
          <Link to={`/hubs/${hub.connectionId}/grant`} class="button">
            Edit the grant
          </Link>
        )}
      </div>
      <GrantFacts of={grant} />
    </section>
  );
}
