// Whether this spoke takes new agents.
import type { DrainState } from '#protocol';
import { useState } from 'preact/hooks';
import { useFeed } from '../../live/feed.js';
import { useActing } from '../../parts/acting.js';
import { useAsked } from '../../parts/asked.js';
import { Ask } from '../../parts/dialog.js';
import { why } from '../../parts/reason.js';
import { Tag } from '../../parts/tag.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get, post, remove } from '../../rest/http.js';
import { clock } from '../../words/figures.js';

export function Drain({ isAdmin }: { readonly isAdmin: boolean }) {
  const asked = useAsked('drain', (signal) => get<DrainState>('/v1/drain', {}, signal));
  useFeed((happened) => {
    if (happened.some((one) => !('event' in one) || one.event.type !== 'agent.output')) asked.again();
  });
  const state = asked.value;
  return (
    <section class="card stack">
      <div class="row apart">
        <h2>New agents</h2>
        {state && <Tag tone={state.draining ? 'stopped' : 'good'}>{state.draining ? 'drains' : 'are taken'}</Tag>}
      </div>
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {state && <Standing of={state} />}
      {state && isAdmin && <Turn isDraining={state.draining} done={asked.again} />}
    </section>
  );
}

function Standing({ of: { draining, live, since, reason, actor } }: { readonly of: DrainState }) {
  const left = live === 0 ? 'No agent is left.' : `${live} ${live === 1 ? 'agent has' : 'agents have'} not ended.`;
  if (!draining) return <p>{left}</p>;
  return (
    <div>
      <p>
        {left} New ones are refused{reason === undefined ? '.' : `: ${reason}`}
      </p>
      <p class="faint small">
        {since !== undefined && clock(since)} {actor && `by ${actor.kind} ${actor.id}`}
      </p>
    </div>
  );
}

function Turn({ isDraining, done }: { readonly isDraining: boolean; readonly done: () => void }) {
  const [isAsking, ask] = useState(false);
  const { isBusy, trouble, act } = useActing();
  const lift = () =>
    act(async () => {
      await remove('/v1/drain');
      done();
    });
  const run = async (reason: string) => {
    await post('/v1/drain', why(reason));
    done();
  };
  return (
    <div class="row">
      {trouble && <TroubleBox trouble={trouble} />}
      {isDraining ? (
        <button class="button primary" disabled={isBusy} onClick={lift}>
          Take new agents again
        </button>
      ) : (
        <button class="button" onClick={() => ask(true)}>
          Drain…
        </button>
      )}
      {isAsking && (
        <Ask {...{ title: 'Drain this spoke', act: 'Drain', reason: 'optional', run, close: () => ask(false) }}>
          <p>No new agents are taken until it is lifted, also after a restart. Those that are there go on.</p>
        </Ask>
      )}
    </div>
  );
}
