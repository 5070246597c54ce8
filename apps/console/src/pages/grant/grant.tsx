// The grant of a hub, edited over the version that one has seen: judged while it is written, shown as what it changes, then saved.
import type { GrantEdited, GrantSchema, HeldGrant, Hub } from '#protocol';
import { useState } from 'preact/hooks';
import { useActing } from '../../parts/acting.js';
import { useAsked } from '../../parts/asked.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get, put } from '../../rest/http.js';
import { TroubleError } from '../../rest/problem.js';
import { go, Link } from '../../routing/router.js';
import { Conflict, type Overtaken } from './conflict.js';
import { useDraft } from './draft.js';
import { GrantEditor } from './editor.js';
import { useFaults } from './faults.js';
import { Review } from './review.js';

export default function GrantPage({ params: { id = '' } }: { readonly params: Readonly<Record<string, string>> }) {
  const path = `/v1/hubs/${encodeURIComponent(id)}`;
  const asked = useAsked(`edit ${path}`, async (signal) => {
    const [hub, held, schema] = await Promise.all([
      get<Hub>(path, {}, signal),
      get<HeldGrant>(`${path}/grant`, {}, signal),
      get<GrantSchema>('/v1/grants/schema', {}, signal),
    ]);
    return { hub, held, schema };
  });
  if (asked.trouble) return <TroubleBox trouble={asked.trouble} />;
  return asked.value ? <Edit {...asked.value} /> : <p class="loading">Loading…</p>;
}

interface EditProps {
  readonly hub: Hub;
  readonly held: HeldGrant;
  readonly schema: GrantSchema;
}

function Edit({ hub, held, schema }: EditProps) {
  const draft = useDraft(held.grant);
  const judged = useFaults(draft.value);
  const edit = useEdit(hub, held, draft.value);
  const isReady = draft.syntax === undefined && judged.isKnown && judged.faults.length === 0;
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Grant of {hub.name}</h1>
          <p>You edit version {edit.base.version}.</p>
        </div>
      </div>
      <GrantEditor schema={schema} draft={draft} judged={judged} />
      {edit.trouble && <TroubleBox trouble={edit.trouble} />}
      <div class="row bar">
        <button class="button primary" disabled={!isReady || edit.isBusy} onClick={edit.look}>
          Review the changes
        </button>
        <Link to={`/hubs/${hub.connectionId}`} class="button">
          Cancel
        </Link>
        <Faults count={judged.faults.length} />
      </div>
      {edit.looked && <Review hub={hub.name} looked={edit.looked} save={edit.save} onClose={edit.goOn} />}
      {edit.overtaken && (
        <Conflict
          of={edit.overtaken}
          {...{ keepOurs: edit.keepOurs, onClose: edit.goOn }}
          takeTheirs={() => draft.write(edit.takeTheirs())}
        />
      )}
    </div>
  );
}

const Faults = ({ count }: { readonly count: number }) => (
  <span class="failed" role="status">
    {count > 0 && `${count} ${count === 1 ? 'fault' : 'faults'} to mend first`}
  </span>
);

/** The way of one edit: looked at, saved, or overtaken and looked at again over the newer version. */
function useEdit(hub: Hub, held: HeldGrant, grant: unknown) {
  const path = `/v1/hubs/${hub.connectionId}/grant`;
  const [base, rebase] = useState(held);
  const [looked, show] = useState<GrantEdited>();
  const [overtaken, meet] = useState<Overtaken>();
  const acting = useActing();
  const write = (version: number, { dryRun, ...why }: { readonly dryRun?: true; readonly reason?: string }) => {
    const headers = { 'if-match': `"${version}"` };
    return put<GrantEdited>(path, { grant, ...why }, { headers, query: { dryRun } });
  };
  const goOn = () => {
    show(undefined);
    meet(undefined);
  };
  /** On a conflict both versions are shown. @throws what else goes wrong */
  const orMeet = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof TroubleError && error.trouble.code === 'conflict')) throw error;
      const theirs = await get<HeldGrant>(path);
      goOn();
      meet({ theirs, ours: await write(theirs.version, { dryRun: true }) });
    }
  };
  const lookOver = (version: number) =>
    acting.act(() => orMeet(async () => show(await write(version, { dryRun: true }))));
  const save = (why: { readonly reason?: string }) =>
    orMeet(async () => {
      await write(base.version, why);
      go(`/hubs/${hub.connectionId}`);
    });
  const takeOver = () => {
    const next = overtaken?.theirs ?? base;
    goOn();
    rebase(next);
    return next;
  };
  const keepOurs = () => lookOver(takeOver().version);
  return {
    ...acting,
    base,
    looked,
    overtaken,
    goOn,
    save,
    look: () => lookOver(base.version),
    keepOurs,
    takeTheirs: () => takeOver().grant,
  };
}
