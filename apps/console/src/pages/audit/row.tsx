// One row: in a line what it is, opened its message taken apart and exactly as it was said.
import type { AuditRowsPage } from '#protocol';
import { useState } from 'preact/hooks';
import { Copy } from '../../parts/copy.js';
import { FactList } from '../../parts/fact-list.js';
import { Tag, type Tone } from '../../parts/tag.js';
import { clock } from '../../words/figures.js';
import { decoded, gist } from './token.js';

type Row = AuditRowsPage['rows'][number];

const tones: Partial<Readonly<Record<Row['kind'], Tone>>> = {
  command: 'busy',
  result: 'good',
  refusal: 'bad',
  pairing: 'stopped',
  keys: 'stopped',
  cut: 'wait',
};

export function RowDetails({ of: row }: { readonly of: Row }) {
  const [isOpen, open] = useState(false);
  const { n, at, kind, raw } = row;
  const message = decoded(raw);
  return (
    <details class="audit-row" onToggle={(event) => open(event.currentTarget.open)}>
      <summary>
        <span class="audit-n">{n}</span>
        <Tag tone={tones[kind] ?? 'quiet'}>{kind}</Tag>
        <span class="audit-gist">{message && gist(message)}</span>
        <span class="faint small">{clock(at)}</span>
      </summary>
      {isOpen && <Opened row={row} />}
    </details>
  );
}

function Opened({ row: { raw, h, n, cut } }: { readonly row: Row }) {
  const message = decoded(raw);
  return (
    <div class="stack audit-open">
      {message && <Json title="Header" of={message.header} row={n} />}
      {message && <Json title="Claims" of={message.claims} row={n} />}
      {cut && <Json title="Rows before were let go" of={cut} row={n} />}
      <FactList
        of={[
          ['Signature', message && <code>{message.signature}</code>],
          ['Hash of the chain here', <code>{h}</code>],
        ]}
      />
      {raw !== '' && <Copy text={raw} label={`Row ${n}, exactly as it was said`} />}
    </div>
  );
}

function Json({ title, of, row }: { readonly title: string; readonly of: unknown; readonly row: number }) {
  return (
    <div>
      <h3>{title}</h3>
      <pre class="asked-detail" tabIndex={0} role="region" aria-label={`${title} of row ${row}`}>
        {JSON.stringify(of, null, 2)}
      </pre>
    </div>
  );
}
