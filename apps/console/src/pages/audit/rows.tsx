// The rows of a log, the newest first, of one kind or all.
import type { AuditRowsPage, ReceiptKind } from '#protocol';
import { useEffect, useState } from 'preact/hooks';
import { useActing } from '../../parts/acting.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { filter } from '../../routing/router.js';
import { RowDetails } from './row.js';
import { decoded } from './token.js';

const kinds: readonly ReceiptKind[] = [
  ...(['pairing', 'keys', 'command', 'result', 'refusal'] as const),
  ...(['event', 'ack', 'checkpoint', 'cut'] as const),
];

interface AuditRowsProps {
  readonly peer: string;
  /** Empty for all. */
  readonly kind: string;
}

export function AuditRows({ peer, kind }: AuditRowsProps) {
  const { rows: loaded, next, isBusy, trouble, more } = useRows(peer, kind);
  const [words, search] = useState('');
  const rows = loaded.filter(({ raw }) => has(raw, words));
  return (
    <section class="stack" aria-label="Rows">
      <div class="row apart">
        <h2>Rows</h2>
        <input
          {...{ type: 'search', class: 'peer', 'aria-label': 'Search the log', placeholder: 'search', value: words }}
          onInput={(event) => search(event.currentTarget.value)}
        />
        <label class="row">
          <span>Kind</span>
          <select class="peer" value={kind} onChange={(event) => filter({ kind: event.currentTarget.value })}>
            <option value="">all</option>
            {kinds.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      </div>
      {trouble && <TroubleBox trouble={trouble} />}
      {rows.length > 0 && (
        <div class="audit-rows">
          {rows.map((row) => (
            <RowDetails key={row.n} of={row} />
          ))}
        </div>
      )}
      <p class="row" role="status">
        {isBusy ? 'Loading…' : rows.length === 0 && next === undefined && 'There are no such rows.'}
        {!isBusy && next !== undefined && (
          <button class="button" onClick={() => more(next)}>
            {rows.length === 0 ? 'None among the newest: look further back' : 'Older rows'}
          </button>
        )}
      </p>
    </section>
  );
}

/** Among what was said, not in its encoding. */
function has(raw: string, words: string): boolean {
  if (words === '') return true;
  return JSON.stringify(decoded(raw)?.claims ?? '')
    .toLowerCase()
    .includes(words.toLowerCase());
}

type Row = AuditRowsPage['rows'][number];

function useRows(peer: string, kind: string) {
  const [seen, show] = useState<{ readonly rows: readonly Row[]; readonly next?: number | undefined }>({ rows: [] });
  const acting = useActing();
  const more = (before?: number) =>
    acting.act(async () => {
      const page = await get<AuditRowsPage>('/v1/audit/rows', { peer, kind, before });
      show(({ rows }) => ({ rows: before === undefined ? page.rows : [...rows, ...page.rows], next: page.next }));
    });
  useEffect(() => {
    show({ rows: [] });
    more();
  }, [peer, kind]);
  return { ...seen, ...acting, more };
}
