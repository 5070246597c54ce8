// What verification says of a log: the instance's own word. Who does not trust the instance takes the export elsewhere.
import type { AuditReport } from '#protocol';
import { useState } from 'preact/hooks';
import { useActing } from '../../parts/acting.js';
import { FactList } from '../../parts/fact-list.js';
import { Tag } from '../../parts/tag.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { counted } from '../../words/figures.js';

export function Verification({ peer }: { readonly peer: string }) {
  const [report, show] = useState<AuditReport>();
  const { isBusy, trouble, act } = useActing();
  const verify = () => act(async () => show(await get<AuditReport>('/v1/audit/verification', { peer })));
  return (
    <section class="card stack" aria-label="Verification">
      <div class="row apart">
        <div class="row" role="status">
          <h2>Verification</h2>
          {report && <Tag tone={report.ok ? 'good' : 'bad'}>{report.ok ? 'it holds' : 'it does not hold'}</Tag>}
        </div>
        <div class="row">
          <button class="button" disabled={isBusy} onClick={verify}>
            {isBusy ? 'Verifying…' : 'Verify'}
          </button>
          <a class="button" href={`/v1/audit?peer=${encodeURIComponent(peer)}`} download={`audit-${peer}.jsonl`}>
            Export
          </a>
        </div>
      </div>
      {trouble && <TroubleBox trouble={trouble} />}
      {report ? <Report of={report} /> : <p class="faint">Every hash and signature, and whether rows are missing.</p>}
    </section>
  );
}

function Report({ of }: { readonly of: AuditReport }) {
  const { rows, from, through, checkpoints, countersignedThrough, unproven, findings, more } = of;
  return (
    <>
      <FactList
        of={[
          ['Rows', rows === 0 ? 'none' : `${counted(rows)}, ${counted(from)} to ${counted(through)}`],
          ['Checkpoints', counted(checkpoints)],
          ['Both vouch for', countersignedThrough === 0 ? 'nothing yet' : `rows to ${counted(countersignedThrough)}`],
          ['Under keys revoked later', unproven === 0 ? undefined : `${counted(unproven)} rows`],
        ]}
      />
      <ul class="plain-list">
        {findings.map(({ line, fault, detail }) => (
          <li key={`${line} ${fault}`}>
            <Tag tone="bad">{fault}</Tag> {detail}
          </li>
        ))}
      </ul>
      {more > 0 && <p>And {counted(more)} more.</p>}
      <p class="faint small">
        This is the instance’s own word. To prove it to others, export it and run <code>writ audit verify</code>{' '}
        elsewhere.
      </p>
    </>
  );
}
