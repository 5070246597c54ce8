// A question before something that cannot be taken back: the browser's own modal dialog, with a reason where one is recorded.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { asTrouble, type Trouble } from '../rest/problem.js';
import { TroubleBox } from './trouble.js';

interface AskProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  /** What the button says. */
  readonly act: string;
  readonly danger?: boolean;
  /** Whether a reason has to be given; it goes into the records of both sides. */
  readonly reason?: 'required' | 'optional' | 'none';
  readonly run: (reason: string) => Promise<unknown>;
  readonly close: () => void;
}

export function Ask({ title, children, act, danger = false, reason = 'required', run, close }: AskProps) {
  const box = useRef<HTMLDialogElement>(null);
  const [trouble, setTrouble] = useState<Trouble>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => box.current?.showModal(), []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const said = new FormData(event.currentTarget as HTMLFormElement).get('reason');
    setBusy(true);
    run(typeof said === 'string' ? said.trim() : '')
      .then(close, (error: unknown) => setTrouble(asTrouble(error)))
      .finally(() => setBusy(false));
  };
  return (
    <dialog ref={box} class="ask" onClose={close} aria-label={title}>
      <form class="stack" onSubmit={submit}>
        <h2>{title}</h2>
        {children}
        {reason !== 'none' && (
          <label class="field">
            <span>Reason</span>
            <input {...{ name: 'reason', required: reason === 'required', maxLength: 500, autocomplete: 'off' }} />
            <span class="hint">It stands in the records of both sides.</span>
          </label>
        )}
        {trouble && <TroubleBox trouble={trouble} />}
        <div class="row">
          <button class={`button primary ${danger ? 'danger' : ''}`} disabled={isBusy}>
            {isBusy ? 'Working…' : act}
          </button>
          <button type="button" class="button" onClick={() => box.current?.close()}>
            Leave it
          </button>
        </div>
      </form>
    </dialog>
  );
}
