// Joining a hub: look at its invite, compare its six words, say what it may do, and join.
import type { GrantSchema, Hub, InviteDetails } from '#protocol';
import { useState } from 'preact/hooks';
import { useActing } from '../../parts/acting.js';
import { useAsked } from '../../parts/asked.js';
import { FactList } from '../../parts/fact-list.js';
import { SixWords } from '../../parts/six-words.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get, post } from '../../rest/http.js';
import { go } from '../../routing/router.js';
import { clock } from '../../words/figures.js';
import { useDraft } from '../grant/draft.js';
import { GrantEditor } from '../grant/editor.js';
import { useFaults } from '../grant/faults.js';

interface Looked {
  readonly invite: string;
  readonly details: InviteDetails;
}

export default function Join() {
  const [looked, show] = useState<Looked>();
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Join a hub</h1>
          <p>
            {looked ? 'Compare the words, then say what it may do here.' : 'Nothing is sent before you have looked.'}
          </p>
        </div>
      </div>
      {looked ? <Give {...looked} /> : <LookAt show={show} />}
    </div>
  );
}

function LookAt({ show }: { readonly show: (looked: Looked) => void }) {
  const { isBusy, trouble, act } = useActing();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const line = new FormData(event.currentTarget as HTMLFormElement).get('invite');
    const invite = typeof line === 'string' ? line.trim() : '';
    act(async () => show({ invite, details: await post<InviteDetails>('/v1/hubs/inspect', { invite }) }));
  };
  return (
    <form class="card stack" onSubmit={submit}>
      <label class="field">
        <span>Invite</span>
        <textarea {...{ name: 'invite', required: true, class: 'mono', spellcheck: false, placeholder: 'writ1.…' }} />
        <span class="hint">The line that the hub’s admin handed over. It is good once, and not for long.</span>
      </label>
      {trouble && <TroubleBox trouble={trouble} />}
      <div class="row">
        <button class="button primary" disabled={isBusy}>
          Look at it
        </button>
      </div>
    </form>
  );
}

function Give({ invite, details }: Looked) {
  const { name, url, broker, words, operations, expiresAt } = details;
  const schema = useAsked('grant-schema', (signal) => get<GrantSchema>('/v1/grants/schema', {}, signal));
  return (
    <>
      <section class="card stack">
        <h2 class="hub-name">{name}</h2>
        <p>Read these words to the hub’s admin, over a way that you both trust. When they differ, do not join.</p>
        <SixWords words={words} />
        <FactList
          of={[
            ['Address', broker === undefined ? url : `${url}, over the broker ${broker}`],
            ['It asks for', operations.join(', ')],
            ['Good until', clock(expiresAt)],
          ]}
        />
      </section>
      {schema.trouble && <TroubleBox trouble={schema.trouble} />}
      {schema.value && <GrantForm {...{ invite, details, schema: schema.value }} />}
    </>
  );
}

/** The least that works: what it asks for without what spawns, until somebody says more. */
const firstGrant = (operations: InviteDetails['operations']) => ({
  operations: operations.filter((name) => name === 'agent.status' || name === 'instance.info'),
  repositories: [],
  agentTypes: [],
});

function GrantForm({ invite, details, schema }: Looked & { readonly schema: GrantSchema }) {
  const [name, call] = useState(details.name);
  const draft = useDraft(firstGrant(details.operations));
  const judged = useFaults(draft.value);
  const { isBusy, trouble, act } = useActing();
  const isReady = draft.syntax === undefined && judged.isKnown && judged.faults.length === 0;
  const join = () =>
    act(async () => {
      const hub = await post<Hub>('/v1/hubs', { invite, grant: draft.value, name });
      go(`/hubs/${hub.connectionId}`);
    });
  return (
    <>
      <label class="field">
        <span>How this spoke calls it</span>
        <input value={name} required maxLength={63} onInput={(event) => call(event.currentTarget.value)} />
      </label>
      <section class="stack">
        <h2>What it may do here</h2>
        <GrantEditor schema={schema} draft={draft} judged={judged} />
      </section>
      {trouble && <TroubleBox trouble={trouble} />}
      <div class="row bar">
        <button class="button primary" disabled={!isReady || isBusy} onClick={join}>
          The words are the same: join
        </button>
      </div>
    </>
  );
}
