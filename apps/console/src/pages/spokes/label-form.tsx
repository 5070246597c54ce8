// What this hub's people say of a spoke, to select by: one `key=value` a line.
import { useState } from 'preact/hooks';
import type { Spoke } from '#protocol';
import { TroubleBox } from '../../parts/trouble.js';
import { put } from '../../rest/http.js';
import { asTrouble, type Trouble } from '../../rest/problem.js';
import { Labels } from './spokes.js';

interface LabelFormProps {
  readonly spoke: Spoke;
  readonly isAdmin: boolean;
  readonly again: () => void;
}

export function LabelForm({ spoke, isAdmin, again }: LabelFormProps) {
  const [trouble, setTrouble] = useState<Trouble>();
  const asText = Object.entries(spoke.labels)
    .map((pair) => pair.join('='))
    .join('\n');
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const text = new FormData(event.currentTarget as HTMLFormElement).get('labels');
    setTrouble(undefined);
    put(`/v1/spokes/${spoke.id}/labels`, { labels: pairsIn(typeof text === 'string' ? text : '') })
      .then(again)
      .catch((error: unknown) => setTrouble(asTrouble(error)));
  };
  return (
    <section class="card stack">
      <h2>Labels</h2>
      {!isAdmin && (asText === '' ? <p class="faint">None.</p> : <Labels labels={spoke.labels} />)}
      {isAdmin && (
        <form class="stack" onSubmit={save} key={asText}>
          <label class="field">
            <span>One a line, as key=value</span>
            <textarea name="labels" spellcheck={false} defaultValue={asText} />
          </label>
          {trouble && <TroubleBox trouble={trouble} />}
          <button class="button">Save</button>
        </form>
      )}
    </section>
  );
}

/** What is no pair is sent as it is: the instance says what is wrong with it. */
function pairsIn(text: string): Record<string, string> {
  const lines = text.split(/\s+/).filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0] ?? '', line.split('=').slice(1).join('=')]));
}
