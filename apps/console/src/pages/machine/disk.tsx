// What lies on the disk and belongs to no live agent: a look first, then its removal.
import type { GcReport } from '#protocol';
import { useState } from 'preact/hooks';
import { useActing } from '../../parts/acting.js';
import { useAsked } from '../../parts/asked.js';
import { Ask } from '../../parts/dialog.js';
import { Meter } from '../../parts/facts.js';
import { TroubleBox } from '../../parts/trouble.js';
import { post } from '../../rest/http.js';
import { bytes } from '../../words/figures.js';
import { GcItems } from './items.js';

const look = (signal?: AbortSignal) => post<GcReport>('/v1/gc', { dryRun: true }, { signal });

export function Disk() {
  const asked = useAsked('gc', look);
  const [done, report] = useState<GcReport>();
  const shown = done ?? asked.value;
  const trouble = asked.trouble;
  const removed: typeof report = (next) => {
    report(next);
    asked.again();
  };
  return (
    <section class="stack" aria-label="Disk">
      <div class="row apart">
        <h2>Disk</h2>
        <Remove report={removed} of={asked.value} />
      </div>
      {trouble && <TroubleBox trouble={trouble} />}
      {asked.value && (
        <div class="card stack">
          <Meter
            name="Worktrees, mirrors, kept work, output"
            value={asked.value.diskBytes}
            max={asked.value.diskBytesMax}
            say={bytes}
          />
          {asked.value.advice !== undefined && <p class="warning">{asked.value.advice}</p>}
        </div>
      )}
      {shown && <GcItems of={shown} />}
    </section>
  );
}

interface RemoveProps {
  readonly of: GcReport | undefined;
  readonly report: (done: GcReport) => void;
}

/** A store that does not know its files is confirmed in the same dialog, and only there. */
function Remove({ of, report }: RemoveProps) {
  const [isAsking, ask] = useState(false);
  const [confirmReset, confirm] = useState(false);
  const { isBusy, trouble, act } = useActing();
  const lookAgain = () => act(async () => report(await look()));
  const run = async () => report(await post<GcReport>('/v1/gc', { confirmReset }));
  return (
    <div class="row">
      {trouble && <TroubleBox trouble={trouble} />}
      <button class="button" disabled={isBusy} onClick={lookAgain}>
        Look again
      </button>
      <button
        class="button"
        disabled={of === undefined || (of.freedBytes === 0 && of.storeKnown)}
        onClick={() => ask(true)}
      >
        Free {of ? bytes(of.freedBytes) : ''}…
      </button>
      {isAsking && of && (
        <Ask
          {...{
            title: 'Remove what belongs to no live agent',
            act: 'Remove',
            reason: 'none',
            danger: true,
            run,
            close: () => ask(false),
          }}
        >
          <p>Work that is nowhere else stays, or is kept under a ref of its own.</p>
          {!of.storeKnown && (
            <label class="choice">
              <input type="checkbox" checked={confirmReset} onChange={() => confirm(!confirmReset)} />
              The store was reset or put back on purpose: what it does not know may go.
            </label>
          )}
        </Ask>
      )}
    </div>
  );
}
