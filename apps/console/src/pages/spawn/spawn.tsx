// A new agent: the form offers what the grant of the chosen spoke allows; the spoke decides all the same.
import { useState } from 'preact/hooks';
import type { AgentResource, Spoke } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { Field } from '../../parts/field.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get, post } from '../../rest/http.js';
import { asTrouble, type Trouble } from '../../rest/problem.js';
import { signedIn } from '../../rest/proof.js';
import { go } from '../../routing/router.js';
import { useCell } from '../../state/cell.js';
import { choicesOf, requestOf, takesSpawns, type Choices } from './draft.js';

type Answer = AgentResource | { readonly commandId: string; readonly spoke: string };

export default function Spawn() {
  const who = useCell(signedIn);
  const isHub = who.state === 'in' && who.instance.role === 'hub';
  const spokes = useAsked(`spokes ${isHub}`, async (signal) =>
    isHub ? (await get<{ spokes: Spoke[] }>('/v1/spokes', {}, signal)).spokes.filter(takesSpawns) : [],
  );
  const [chosen, choose] = useState('');
  if (spokes.trouble) return <TroubleBox trouble={spokes.trouble} />;
  if (!spokes.value) return <p class="loading">Loading…</p>;
  if (isHub && spokes.value.length === 0)
    return (
      <div class="empty">
        <h1>No spoke takes agents now</h1>
        <p>One has to be accepted and active, with a grant that allows agent.spawn.</p>
      </div>
    );
  const meant = spokes.value.filter(({ name }) => chosen === '' || name === chosen);
  const choices = choicesOf(meant.flatMap(({ grant }) => (grant ? [grant.grant] : [])));
  return (
    <div class="stack form">
      <header class="page-head">
        <h1>Spawn an agent</h1>
      </header>
      <SpawnForm {...{ choices, chosen, choose }} spokes={isHub ? spokes.value : undefined} />
    </div>
  );
}

interface FormProps {
  readonly choices: Choices;
  /** On a hub. */
  readonly spokes: readonly Spoke[] | undefined;
  readonly chosen: string;
  readonly choose: (name: string) => void;
}

function SpawnForm({ choices, spokes, chosen, choose }: FormProps) {
  const [trouble, setTrouble] = useState<Trouble>();
  const [pending, setPending] = useState('');
  const [isBusy, setBusy] = useState(false);
  /** Sent twice it is one agent; a form that was refused is another request. */
  const [key, setKey] = useState(() => crypto.randomUUID());
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const body = requestOf(new FormData(event.currentTarget as HTMLFormElement));
    setBusy(true);
    setTrouble(undefined);
    post<Answer>('/v1/agents', body, { headers: { 'idempotency-key': key, prefer: 'wait=20' } })
      .then((answer) => {
        if ('commandId' in answer) setPending(answer.spoke);
        else go(`/agents/${answer.agentId}`);
      })
      .catch((error: unknown) => {
        setTrouble(asTrouble(error));
        setKey(crypto.randomUUID());
      })
      .finally(() => setBusy(false));
  };
  return (
    <form class="stack card" onSubmit={submit}>
      <div class="form-pair">
        {spokes && (
          <Field label="Spoke" name="spoke" trouble={trouble}>
            <select {...{ name: 'spoke', value: chosen }} onChange={(event) => choose(event.currentTarget.value)}>
              <option value="">the least loaded that allows it</option>
              {spokes.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
        )}
        <Choice label="Type" name="agentType" of={choices.types} trouble={trouble} />
        <Field label="Task" name="taskId" trouble={trouble} hint="Your own name for what this is part of">
          <input {...{ name: 'taskId', required: true, maxLength: 128, autocomplete: 'off' }} />
        </Field>
      </div>
      <Where choices={choices} trouble={trouble} />
      <Field label="Work" name="context.workItems" trouble={trouble} hint="An empty line begins the next work item">
        <textarea {...{ name: 'workItems', required: true, rows: 6 }} />
      </Field>
      <How choices={choices} trouble={trouble} />
      {trouble && <TroubleBox trouble={trouble} />}
      {pending !== '' && (
        <p class="note" role="status">
          {pending} has not answered yet. The order stands; the agent appears in the list when it is taken.
        </p>
      )}
      <div class="row">
        <button class="button primary" disabled={isBusy}>
          {isBusy ? 'Asking the spoke…' : 'Spawn'}
        </button>
      </div>
    </form>
  );
}

interface PartProps {
  readonly choices: Choices;
  readonly trouble: Trouble | undefined;
}

function Where({ choices: { repositories, patterns }, trouble }: PartProps) {
  const hint = patterns.length > 0 ? `Allowed: ${[...repositories, ...patterns].join(', ')}` : undefined;
  return (
    <div class="form-pair">
      <Field label="Repository" name="context.repository" {...{ hint, trouble }}>
        <input
          {...{ name: 'repository', required: true, list: 'repositories', autocomplete: 'off', spellcheck: false }}
          defaultValue={repositories.length === 1 ? (repositories[0] ?? '') : ''}
        />
        <datalist id="repositories">
          {repositories.map((url) => (
            <option key={url} value={url} />
          ))}
        </datalist>
      </Field>
      <Field label="Branch" name="context.branch" trouble={trouble}>
        <input {...{ name: 'branch', required: true, defaultValue: 'main', autocomplete: 'off', spellcheck: false }} />
      </Field>
    </div>
  );
}

function How({ choices: { runtimes, models }, trouble }: PartProps) {
  const number = { type: 'number', min: 0, step: 'any', placeholder: 'default', inputMode: 'decimal' } as const;
  return (
    <>
      <div class="form-pair">
        {runtimes.length > 0 ? (
          <Choice label="Runtime" name="runtime" of={runtimes} trouble={trouble} field="options.runtime" />
        ) : (
          <Field label="Runtime" name="options.runtime" trouble={trouble}>
            <input {...{ name: 'runtime', placeholder: 'claude', autocomplete: 'off' }} />
          </Field>
        )}
        {models ? (
          <Choice label="Model" name="model" of={['', ...models]} trouble={trouble} field="options.model" />
        ) : (
          <Field label="Model" name="options.model" trouble={trouble}>
            <input {...{ name: 'model', placeholder: 'the spoke’s default', autocomplete: 'off' }} />
          </Field>
        )}
        <Field
          label="Session"
          name="options.session"
          trouble={trouble}
          hint="A name makes it one: it waits for more turns"
        >
          <input {...{ name: 'session', placeholder: 'none', autocomplete: 'off' }} />
        </Field>
      </div>
      <fieldset>
        <legend>At most</legend>
        <div class="form-pair">
          <Field label="Money, US dollars" name="options.limits.moneyMicroUsdMax" trouble={trouble}>
            <input {...{ ...number, name: 'money' }} />
          </Field>
          <Field label="Turns" name="options.limits.turnsMax" trouble={trouble}>
            <input {...{ ...number, name: 'turns', step: 1 }} />
          </Field>
          <Field label="Minutes" name="options.limits.wallMs" trouble={trouble}>
            <input {...{ ...number, name: 'minutes' }} />
          </Field>
        </div>
      </fieldset>
      <label class="row check">
        <input type="checkbox" name="push" /> Push its branch when it has completed
      </label>
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly of: readonly string[];
  readonly trouble: Trouble | undefined;
  /** What a problem calls it. */
  readonly field?: string;
}

function Choice({ label, name, of, trouble, field = name }: ChoiceProps) {
  return (
    <Field label={label} name={field} trouble={trouble}>
      <select name={name}>
        {of.map((value) => (
          <option key={value} value={value}>
            {value === '' ? 'the spoke’s default' : value}
          </option>
        ))}
      </select>
    </Field>
  );
}
