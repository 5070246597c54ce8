// A grant as a form or as text, whichever one likes; faults stand at their field in the one, and in a list in the other.
import type { GrantSchema } from '#protocol';
import { TroubleBox } from '../../parts/trouble.js';
import type { Draft } from './draft.js';
import { faultWords, type Judged } from './faults.js';
import { Members } from './fields.js';

interface EditorProps {
  readonly schema: GrantSchema;
  readonly draft: Draft;
  readonly judged: Judged;
}

const modes = { form: 'Form', json: 'JSON' } as const;

export function GrantEditor({ schema, draft, judged }: EditorProps) {
  return (
    <div class="stack">
      <div class="row" role="group" aria-label="Write it as">
        {(['form', 'json'] as const).map((mode) => (
          <button
            {...{ key: mode, type: 'button', class: 'button', 'aria-pressed': draft.mode === mode }}
            {...{ disabled: draft.syntax !== undefined, onClick: () => draft.show(mode) }}
          >
            {modes[mode]}
          </button>
        ))}
      </div>
      {judged.trouble && !judged.isKnown && <TroubleBox trouble={judged.trouble} />}
      {draft.mode === 'form' ? (
        <Members node={schema} path="" value={draft.value} write={draft.write} faults={judged.faults} />
      ) : (
        <Text draft={draft} judged={judged} />
      )}
    </div>
  );
}

function Text({ draft: { text, type, syntax }, judged: { faults } }: Omit<EditorProps, 'schema'>) {
  const said = syntax === undefined ? faults.map(faultWords) : [`This is no JSON: ${syntax}`];
  return (
    <div class="field">
      <label for="grant-text">The grant as JSON</label>
      <textarea
        {...{ id: 'grant-text', class: 'mono grant-text', spellcheck: false, value: text, rows: 24 }}
        {...{ 'aria-invalid': said.length > 0, 'aria-describedby': 'grant-faults' }}
        onInput={(event) => type(event.currentTarget.value)}
      />
      <ul id="grant-faults" class="plain-list failed" aria-live="polite">
        {said.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
    </div>
  );
}
