// What an edit would change, before it is in force: more, less or the same for the hub, and from when on.
import type { GrantEdited } from '#protocol';
import { useState } from 'preact/hooks';
import { useActing } from '../../parts/acting.js';
import { ReasonField, why } from '../../parts/reason.js';
import { Sheet } from '../../parts/sheet.js';
import { Tag } from '../../parts/tag.js';
import { TroubleBox } from '../../parts/trouble.js';
import { partName } from '../../words/grant.js';

interface ReviewProps {
  readonly hub: string;
  readonly looked: GrantEdited;
  readonly save: (reason: { readonly reason?: string }) => Promise<void>;
  readonly onClose: () => void;
}

export function Review({ hub, looked, save, onClose }: ReviewProps) {
  const [reason, write] = useState('');
  const { isBusy, trouble, act } = useActing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    act(() => save(why(reason)));
  };
  return (
    <Sheet title={`What changes for ${hub}`} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Changes of={looked.changes} />
        {looked.running.agents > 0 && <p>{looked.running.words}</p>}
        <ReasonField value={reason} onInput={write} />
        {trouble && <TroubleBox trouble={trouble} />}
        <div class="row end">
          <button class="button" type="button" onClick={onClose}>
            Go on editing
          </button>
          <button class="button primary" disabled={isBusy}>
            Put it in force
          </button>
        </div>
      </form>
    </Sheet>
  );
}

const effects = {
  more: ['wait', 'more'],
  less: ['good', 'less'],
  same: ['quiet', 'the same'],
} as const;

export function Changes({ of }: { readonly of: GrantEdited['changes'] }) {
  if (of.length === 0) return <p>Nothing changes but the order in which it is written.</p>;
  return (
    <ul class="changes" aria-label="Changes">
      {of.map(({ field, effect, from, words }) => (
        <li key={field + effect + words}>
          <Tag tone={effects[effect][0]}>{effects[effect][1]}</Tag>
          <span>
            <b>{partName(field.slice(field.lastIndexOf('.') + 1))}:</b> {words}{' '}
            <span class="faint small">
              {from === 'at_once' ? 'At once, for running agents too.' : 'From the next spawn on.'}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}
