// The door of the console: an API key, once, for a session, or an issuer that vouches for whoever comes.
import { useState } from 'preact/hooks';
import { asTrouble, type Trouble } from '../rest/problem.js';
import { signIn, ways } from '../rest/session.js';
import { Mark } from './mark.js';
import { useAsked } from '../parts/asked.js';
import { TroubleBox } from '../parts/trouble.js';
import { refusedByIssuer } from './refused.js';

export function SignIn({ why }: { readonly why?: Trouble | undefined }) {
  const [trouble, setTrouble] = useState(why ?? refusedByIssuer());
  const { value: other } = useAsked('ways', ways);
  const [isBusy, setBusy] = useState(false);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get('key');
    setBusy(true);
    signIn(typeof key === 'string' ? key.trim() : '')
      .catch((error: unknown) => setTrouble(refused(asTrouble(error))))
      .finally(() => setBusy(false));
  };
  return (
    <main class="door">
      <form class="door-card" onSubmit={submit}>
        <Mark />
        <h1>Sign in</h1>
        {trouble && <TroubleBox trouble={trouble} />}
        <label class="field">
          <span>API key</span>
          <input
            {...{ name: 'key', type: 'password', required: true, autoFocus: true, spellcheck: false }}
            {...{ autocomplete: 'current-password', placeholder: 'writ_…' }}
          />
        </label>
        <button class="button primary" disabled={isBusy}>
          {isBusy ? 'Signing in…' : 'Sign in'}
        </button>
        {other?.oidc && (
          <a class="button" href="/v1/session/oidc">
            Sign in at {other.oidc.name}
          </a>
        )}
        <p class="faint">
          The first key was shown when the instance started, and is in <code>cli.key</code> of its state folder. An
          admin makes more with <code>writ keys create</code>.
        </p>
      </form>
    </main>
  );
}

/** Of a key that opens nothing, what to do is another thing here than for a program. */
function refused(trouble: Trouble): Trouble {
  if (trouble.code !== 'unauthenticated') return trouble;
  return {
    ...trouble,
    next: 'Check that the whole key was pasted, and that it is one of this instance and not revoked.',
  };
}
