// Inviting a spoke: one line to hand over, shown this once, and those that are open.
import { useState } from 'preact/hooks';
import type { Invite, InviteCreated } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { Copy } from '../../parts/copy.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get, post, remove } from '../../rest/http.js';
import { asTrouble, type Trouble } from '../../rest/problem.js';
import { clock } from '../../words/figures.js';

const lifetimes = [
  { label: '15 minutes', seconds: 900 },
  { label: '1 hour', seconds: 3_600 },
  { label: '1 day', seconds: 86_400 },
] as const;

export function Invites() {
  const asked = useAsked(
    'invites',
    async (signal) => (await get<{ invites: Invite[] }>('/v1/invites', {}, signal)).invites,
  );
  const [made, setMade] = useState<InviteCreated>();
  const [trouble, setTrouble] = useState<Trouble>();
  const create = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const body = { expiresInS: Number(form.get('lifetime')), broker: form.get('broker') === 'on' };
    setTrouble(undefined);
    post<InviteCreated>('/v1/invites', body)
      .then(setMade)
      .catch((error: unknown) => setTrouble(asTrouble(error)))
      .finally(asked.again);
  };
  const revoke = (id: string) => {
    remove(`/v1/invites/${id}`)
      .catch((error: unknown) => setTrouble(asTrouble(error)))
      .finally(asked.again);
  };
  const open = (asked.value ?? []).filter(({ state }) => state === 'open');
  return (
    <section class="card stack">
      <h2>Invite a spoke</h2>
      <form class="row" onSubmit={create}>
        <label class="row">
          Good for
          <select name="lifetime">
            {lifetimes.map(({ label, seconds }) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label class="row check">
          <input type="checkbox" name="broker" /> over the broker
        </label>
        <button class="button primary">Make an invite</button>
      </form>
      {trouble && <TroubleBox trouble={trouble} />}
      {made && (
        <div class="stack">
          <p>
            Hand this line to the spoke’s admin, who runs <code>writ join</code> with it. It is shown this once, good
            until {clock(made.expiresAt)}, and for one use.
          </p>
          <Copy text={made.invite} label="The invite" />
        </div>
      )}
      {open.length > 0 && (
        <ul class="plain stack" aria-label="Open invites">
          {open.map(({ id, expiresAt, actor }) => (
            <li key={id} class="row small">
              Open until {clock(expiresAt)}, by {actor.kind} {actor.id}
              <button class="button" onClick={() => revoke(id)}>
                Revoke
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
