// What a look at the disk found, or a removal did.
import type { GcItem, GcReport, GcWork } from '#protocol';
import { Table } from '../../parts/table.js';
import { Tag } from '../../parts/tag.js';
import { bytes, counted } from '../../words/figures.js';

const tones = { removed: 'stopped', kept: 'good', skipped: 'wait' } as const;

export function GcItems({ of: { items, dryRun, freedBytes, more } }: { readonly of: GcReport }) {
  const words = dryRun ? `${bytes(freedBytes)} could go.` : `${bytes(freedBytes)} were freed.`;
  return (
    <>
      <p role="status">{items.length === 0 ? 'Nothing lies there.' : words}</p>
      {items.length > 0 && (
        <Table label="What lies on the disk" heads={['Outcome', 'Kind', 'What', '#Size', 'Why']}>
          {items.map((item) => (
            <Row key={item.kind + item.id} of={item} dryRun={dryRun} />
          ))}
        </Table>
      )}
      {more > 0 && <p class="faint">And {counted(more)} more.</p>}
    </>
  );
}

function Row({
  of: { outcome, kind, id, bytes: size, reason, work, keptAs },
  dryRun,
}: {
  readonly of: GcItem;
  readonly dryRun: boolean;
}) {
  return (
    <tr>
      <td>
        <Tag tone={tones[outcome]}>{outcome === 'removed' && dryRun ? 'would go' : outcome}</Tag>
      </td>
      <td>{kind}</td>
      <td class="whole">
        <code>{id}</code>
      </td>
      <td class="figures">{bytes(size)}</td>
      <td class="whole">
        {reason}
        {work && <span class="faint"> {workWords(work)}</span>}
        {keptAs !== undefined && <code> {keptAs}</code>}
      </td>
    </tr>
  );
}

function workWords({ dirty, unpushed, unmerged }: GcWork): string {
  return `${counted(dirty)} files not committed, ${counted(unmerged)} commits on no branch, ${counted(unpushed)} not pushed.`;
}
