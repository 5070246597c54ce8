// Two presses stop everything: the first says what it will be, the second does it. The reason is filled in already, so that
// nobody has to find words in an emergency.
import type { KillOutcomeResource } from '#protocol';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useActing, type Acting } from '../../parts/acting.js';
import { useSide } from '../../parts/allowed.js';
import { ReasonField } from '../../parts/reason.js';
import { Icon } from '../../parts/icon.js';
import { TroubleBox } from '../../parts/trouble.js';
import { post } from '../../rest/http.js';

interface StopFormProps {
  /** Agents that have not ended, of all scopes. */
  readonly live: number | undefined;
  readonly peers: readonly string[];
  readonly done: (outcome: KillOutcomeResource) => void;
}

/** As long as an instance waits for a kill to be proven. */
const waitS = 60;

export function StopForm({ live, peers, done }: StopFormProps) {
  const [scope, choose] = useState('all');
  const [reason, write] = useState('stopped from the console');
  const [isSure, ask] = useState(false);
  const acting = useActing();
  const stop = () =>
    acting.act(async () => {
      const headers = { prefer: `wait=${waitS}` };
      done(await post<KillOutcomeResource>('/v1/kill', { scope, reason: reason.trim() }, { headers }));
      ask(false);
    });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (isSure) stop();
    else ask(true);
  };
  const what = scope === 'all' ? `all agents${live === undefined ? '' : ` (${live} live)`}` : `all of ${scope}`;
  const meaning = (next: string) => {
    choose(next);
    ask(false);
  };
  return (
    <form class="card stack stop-card" onSubmit={submit} onKeyDown={({ key }) => key === 'Escape' && ask(false)}>
      <Scopes {...{ scope, peers, choose: meaning }} />
      <ReasonField isNeeded value={reason} onInput={write} />
      {acting.trouble && <TroubleBox trouble={acting.trouble} />}
      <Buttons {...{ isSure, what, acting, cancel: () => ask(false) }} />
    </form>
  );
}

interface ScopesProps {
  readonly scope: string;
  readonly peers: readonly string[];
  readonly choose: (scope: string) => void;
}

function Scopes({ scope, peers, choose }: ScopesProps) {
  const kind = useSide() === 'hub' ? 'spoke' : 'hub';
  const scopes = [['all', 'Everything'], ...peers.map((name) => [`${kind}:${name}`, `Only agents of ${name}`])];
  return (
    <fieldset class="scopes">
      <legend>What to stop</legend>
      {scopes.map(([value = '', words]) => (
        <label class="choice" key={value}>
          <input type="radio" name="scope" checked={scope === value} onChange={() => choose(value)} />
          {words}
        </label>
      ))}
    </fieldset>
  );
}

/** The second click of a double click is no second press. */
const notTwice = (event: MouseEvent) => {
  if (event.detail > 1) event.preventDefault();
};

interface ButtonsProps {
  readonly isSure: boolean;
  readonly what: string;
  readonly acting: Acting;
  readonly cancel: () => void;
}

function Buttons({ isSure, what, acting: { isBusy }, cancel }: ButtonsProps) {
  const sure = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (isSure) sure.current?.focus();
  }, [isSure]);
  if (!isSure)
    return (
      <button key="stop" class="button danger stop-button">
        <Icon name="stop" /> Stop {what}
      </button>
    );
  return (
    <div class="stack" role="alert">
      <button
        {...{ key: 'sure', ref: sure, class: 'button danger primary stop-button', disabled: isBusy, onClick: notTwice }}
      >
        <Icon name="stop" /> {isBusy ? 'Stopping…' : `Yes, stop ${what} now`}
      </button>
      <button class="button" type="button" onClick={cancel} disabled={isBusy}>
        Cancel
      </button>
    </div>
  );
}
