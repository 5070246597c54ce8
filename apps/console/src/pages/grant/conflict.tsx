// Somebody else changed the grant meanwhile: both versions side by side, and whose it is to be.
import type { GrantEdited, HeldGrant } from '#protocol';
import { Sheet } from '../../parts/sheet.js';
import { clock } from '../../words/figures.js';
import { textOf } from './draft.js';
import { sideBySide, type Line } from './lines.js';
import { Changes } from './review.js';

/** Their version as it is in force, and what ours would change of it. */
export interface Overtaken {
  readonly theirs: HeldGrant;
  readonly ours: GrantEdited;
}

interface ConflictProps {
  readonly of: Overtaken;
  readonly takeTheirs: () => void;
  readonly keepOurs: () => void;
  readonly onClose: () => void;
}

export function Conflict({ of: { theirs, ours }, takeTheirs, keepOurs, onClose }: ConflictProps) {
  const { version, edited } = theirs;
  const { left, right } = sideBySide(textOf(theirs.grant), textOf(inOrderOf(theirs.grant, ours.grant)));
  return (
    <Sheet title="Somebody else changed this grant meanwhile" onClose={onClose}>
      <div class="stack">
        <p>
          Version {version} is in force by now
          {edited && `, written ${clock(edited.at)} by ${edited.actor.kind} ${edited.actor.id}`}
          {edited?.reason !== undefined && `: ${edited.reason}`}. Nothing of yours is lost, and nothing is saved yet.
        </p>
        <div class="sides">
          <Side title={`In force: version ${version}`} of={left} />
          <Side title="Yours" of={right} />
        </div>
        <h3>What yours would change of version {version}</h3>
        <Changes of={ours.changes} />
        <div class="row end">
          <button class="button" onClick={takeTheirs}>
            Drop mine, go on with version {version}
          </button>
          <button class="button primary" onClick={keepOurs}>
            Keep mine over version {version}
          </button>
        </div>
      </div>
    </Sheet>
  );
}

/** As the other one is written, so that only what differs looks different. */
function inOrderOf(model: object, value: object): object {
  const order = Object.keys(model);
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => place(a) - place(b)));
}

function Side({ title, of }: { readonly title: string; readonly of: readonly Line[] }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <pre class="side-text" tabIndex={0}>
        {of.map(({ text, isShared }, i) => (isShared ? <div key={i}>{text}</div> : <mark key={i}>{text}</mark>))}
      </pre>
    </section>
  );
}
