// One spoke: how its connection stands, what its grant allows (the spoke's own word, read only), its labels, and the hub's half.
import { useState } from 'preact/hooks';
import type { Spoke } from '#protocol';
import { useFeed } from '../../live/feed.js';
import { useAsked } from '../../parts/asked.js';
import { Ask } from '../../parts/dialog.js';
import { Fact, Facts } from '../../parts/facts.js';
import { useNow } from '../../parts/now.js';
import { SixWords } from '../../parts/six-words.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get, post } from '../../rest/http.js';
import { may, signedIn } from '../../rest/proof.js';
import { Link } from '../../routing/router.js';
import type { PageProps } from '../../routing/page-props.js';
import { useCell } from '../../state/cell.js';
import { ago, clock } from '../../words/figures.js';
import { linkOf, linkWords } from '../fleet/link.js';
import { GrantFacts } from './grant.js';
import { LabelForm } from './label-form.js';

export default function SpokePage({ params: { id = '' } }: PageProps) {
  const path = `/v1/spokes/${encodeURIComponent(id)}`;
  const asked = useAsked(id, (signal) => get<Spoke>(path, {}, signal));
  useFeed(
    (happened) => happened.some((one) => !('event' in one) || one.event.type === 'grant.changed') && asked.again(),
  );
  if (asked.value) return <Shown spoke={asked.value} again={asked.again} />;
  return asked.trouble ? <TroubleBox trouble={asked.trouble} /> : <p class="loading">Loading…</p>;
}

function Shown({ spoke, again }: { readonly spoke: Spoke; readonly again: () => void }) {
  const now = useNow();
  const who = useCell(signedIn);
  const isAdmin = who.state === 'in' && may(who.key.role, 'admin');
  const { name, state, connectionId, id, heardAt, link, createdAt, circuit, clockDifferenceS, grant, words } = spoke;
  return (
    <div class="stack">
      <header class="page-head">
        <div>
          <h1>{name}</h1>
          <p>{state === 'closed' ? 'closed' : linkWords[linkOf(spoke, now)]}</p>
        </div>
        {isAdmin && state !== 'closed' && <Acts spoke={spoke} again={again} />}
      </header>
      <div class="cards">
        <section class="card stack">
          <h2>Connection</h2>
          <Facts>
            <Fact name="State">{state}</Fact>
            <Fact name="Ours, theirs">{`${spoke.ours.state}, ${spoke.theirs.state}`}</Fact>
            <Fact name="Link">{[link.kind, link.url].filter((part) => part !== undefined).join(', ')}</Fact>
            {heardAt !== undefined && <Fact name="Heard">{ago(heardAt, now)}</Fact>}
            {circuit !== undefined && <Fact name="Circuit">{circuit.replace('_', ' ')}</Fact>}
            {clockDifferenceS !== undefined && <Fact name="Clock">{`${clockDifferenceS} s from ours`}</Fact>}
            <Fact name="Since">{clock(createdAt)}</Fact>
            <Fact name="Id">
              <code>{id}</code>
            </Fact>
            <Fact name="Connection">
              <code>{connectionId}</code>
            </Fact>
            <Fact name="Agents">
              <Link to={`/agents?spoke=${encodeURIComponent(name)}`}>{`${spoke.liveAgents} alive`}</Link>
            </Fact>
          </Facts>
        </section>
        <section class="card stack">
          <h2>Six words</h2>
          <SixWords words={words} />
          <p class="small faint">The fingerprint of its root key, the same on both sides.</p>
        </section>
        <LabelForm spoke={spoke} isAdmin={isAdmin} again={again} />
      </div>
      {grant ? (
        <GrantFacts version={grant.version} grant={grant.grant} />
      ) : (
        <p class="faint">It has not stated a grant yet.</p>
      )}
    </div>
  );
}

type Act = 'suspend' | 'resume' | 'close';

const asks: Readonly<Record<Act, string>> = {
  suspend: 'Only status and kill pass until it is resumed. Agents that run go on.',
  resume: 'Commands pass again, as far as its grant goes.',
  close: 'For good: its agents of this hub are killed, and to meet again takes a new invite.',
};

function Acts({ spoke, again }: { readonly spoke: Spoke; readonly again: () => void }) {
  const [doing, setDoing] = useState<Act>();
  const open: readonly Act[] = spoke.ours.state === 'suspended' ? ['resume', 'close'] : ['suspend', 'close'];
  const run = (act: Act) => async (reason: string) => {
    await post(`/v1/spokes/${spoke.id}/${act}`, reason === '' ? {} : { reason });
    again();
  };
  return (
    <div class="row">
      {open.map((act) => (
        <button key={act} class={`button ${act === 'close' ? 'danger' : ''}`} onClick={() => setDoing(act)}>
          {act[0]?.toUpperCase()}
          {act.slice(1)}
        </button>
      ))}
      {doing && (
        <Ask
          {...{ title: `${doing} ${spoke.name}?`, act: doing, danger: doing === 'close', reason: 'optional' }}
          run={run(doing)}
          close={() => setDoing(undefined)}
        >
          <p>{asks[doing]}</p>
        </Ask>
      )}
    </div>
  );
}
