// The stops that hold: who set each and why, and the way to lift it.
import type { LatchBody } from '#protocol';
import { useState } from 'preact/hooks';
import { useMay } from '../../parts/allowed.js';
import { Ask } from '../../parts/dialog.js';
import { Tag } from '../../parts/tag.js';
import { post } from '../../rest/http.js';
import { clock } from '../../words/figures.js';

interface LatchesProps {
  readonly of: readonly LatchBody[];
  readonly reset: () => void;
}

export function Latches({ of, reset }: LatchesProps) {
  if (of.length === 0)
    return (
      <p>
        <Tag tone="good">no stop is set</Tag>
      </p>
    );
  return (
    <>
      {of.map((latch) => (
        <Latch key={latch.scope} latch={latch} reset={reset} />
      ))}
    </>
  );
}

function Latch({ latch, reset }: { readonly latch: LatchBody; readonly reset: () => void }) {
  const [isAsking, ask] = useState(false);
  const mayReset = useMay('operator');
  const { scope, reason, actor, setAt } = latch;
  const words = scope === 'all' ? 'all agents' : scope;
  const run = async (why: string) => {
    await post('/v1/kill/reset', { scope, reason: why });
    reset();
  };
  return (
    <section class="card latch row apart" aria-label={`Stop of ${words}`}>
      <div>
        <h2>Stopped: {words}</h2>
        <p>{reason}</p>
        <p class="small">
          {clock(setAt)} by {actor.kind} {actor.id}
        </p>
      </div>
      {mayReset && (
        <button class="button" onClick={() => ask(true)}>
          Reset
        </button>
      )}
      {isAsking && (
        <Ask {...{ title: `Reset the stop of ${words}`, act: 'Reset', run, close: () => ask(false) }}>
          <p>Agents can be spawned again. What was killed stays ended.</p>
        </Ask>
      )}
    </section>
  );
}
