// Who is nobody yet gets the door; who is signed in, the pages.
import { useEffect, useState } from 'preact/hooks';
import { TroubleBox } from './parts/trouble.js';
import { asTrouble, type Trouble } from './rest/problem.js';
import { signedIn } from './rest/proof.js';
import { resume } from './rest/session.js';
import { Shell } from './shell/shell.js';
import { SignIn } from './shell/sign-in.js';
import { useCell } from './state/cell.js';

export function App() {
  const now = useCell(signedIn);
  const [trouble, setTrouble] = useState<Trouble>();
  const begin = () => {
    setTrouble(undefined);
    resume().catch((error: unknown) => setTrouble(asTrouble(error)));
  };
  useEffect(begin, []);
  if (trouble)
    return (
      <main class="door">
        <TroubleBox trouble={trouble}>
          <button class="button" onClick={begin}>
            Try again
          </button>
        </TroubleBox>
      </main>
    );
  if (now.state === 'unknown') return <p class="loading">Loading…</p>;
  return now.state === 'in' ? <Shell key={now.key.id} who={now} /> : <SignIn key={now.why?.code} why={now.why} />;
}
