// A grant as people read it.
import type { Grant } from '#protocol';
import { FactList, type Known } from '../../parts/fact-list.js';
import { counted, lasting } from '../../words/figures.js';
import { figureWords, partName } from '../../words/grant.js';

const list = (items: readonly string[] | undefined) =>
  items === undefined || items.length === 0 ? undefined : (
    <ul class="plain-list">
      {items.map((item) => (
        <li key={item}>
          <code>{item}</code>
        </li>
      ))}
    </ul>
  );

const figures = (values: Readonly<Record<string, number | undefined>> = {}): readonly Known[] =>
  Object.entries(values).map(([name, value]) => [
    partName(name).replace(/, in .*/, ''),
    value === undefined ? undefined : figureWords(name, value),
  ]);

export function GrantFacts({ of }: { readonly of: Grant }) {
  const { hubLost, approval, perDay, limits, startsPerMinute } = of;
  return (
    <div class="stack">
      <FactList
        of={[
          ['It may ask for', of.operations.length === 0 ? 'nothing' : of.operations.join(', ')],
          ['Agents', of.agentTypes.length === 0 ? 'none' : of.agentTypes.join(', ')],
          ['At once', counted(of.concurrentMax)],
          ['Starts a minute', startsPerMinute === undefined ? undefined : counted(startsPerMinute)],
          ['Repositories', list(of.repositories) ?? 'none'],
          ['Branches', list(of.branches) ?? 'none'],
          ['Push', list(of.push) ?? 'none'],
          ['Hosts', list(of.egress) ?? 'none'],
          ['Runtimes', of.runtimes.join(', ') || 'none'],
          ['Models', of.models?.join(', ') ?? 'any of this spoke'],
          ['Sandbox', `${of.sandbox} or stronger`],
          ['Gates of its own', of.gates === true ? 'yes' : 'no'],
          ['Approval', approval === 'none' ? 'not needed' : `by a person within ${lasting(approval.withinS * 1_000)}`],
          [
            'Without the hub',
            hubLost === 'continue' ? 'agents go on' : `stop after ${lasting(hubLost.stopAfterS * 1_000)}`,
          ],
        ]}
      />
      {perDay && <Part title="All its agents on one day (UTC)" of={figures(perDay)} />}
      {Object.keys(limits).length > 0 && <Part title="Each agent" of={figures(limits)} />}
    </div>
  );
}

function Part({ title, of }: { readonly title: string; readonly of: readonly Known[] }) {
  return (
    <div class="stack">
      <h3>{title}</h3>
      <FactList of={of} />
    </div>
  );
}
