// Another turn of a session.
import { useState } from 'preact/hooks';
import { Ask } from '../../parts/dialog.js';
import { post } from '../../rest/http.js';

interface TurnFormProps {
  /** Of the agent, over REST. */
  readonly path: string;
  readonly close: () => void;
}

export function TurnForm({ path, close }: TurnFormProps) {
  const [input, setInput] = useState('');
  /** One for the form: pressed twice it is one turn. */
  const [key] = useState(() => crypto.randomUUID());
  const send = () => post(`${path}/turns`, { input }, { headers: { 'idempotency-key': key, prefer: 'wait=20' } });
  return (
    <Ask title="Next turn" act="Send" reason="none" run={send} close={close}>
      <label class="field">
        <span>What it shall do now</span>
        <textarea
          {...{ required: true, maxLength: 32_000, value: input }}
          onInput={(event) => setInput(event.currentTarget.value)}
        />
      </label>
    </Ask>
  );
}
