// What a stop did: a look after it has found that nothing lives, or says what does.
import type { KillOutcomeResource } from '#protocol';
import { FactList } from '../../parts/fact-list.js';
import { Tag } from '../../parts/tag.js';
import { Link } from '../../routing/router.js';

const shownMax = 50;

export function StopReport({ of: { report, pending } }: { readonly of: KillOutcomeResource }) {
  const { killed, alreadyEnded, failed, survivors } = report;
  const isDone = survivors === 0 && failed.length === 0 && pending.length === 0;
  return (
    <section class="card stack" role="status" aria-label="What the stop did">
      <div class="row">
        <h2>What the stop did</h2>
        <Tag tone={isDone ? 'good' : 'bad'}>{isDone ? 'nothing survived' : 'not complete'}</Tag>
      </div>
      <FactList
        of={[
          ['Killed', killed.length === 0 ? '0' : <AgentLinks of={killed} />],
          ['Had ended before', alreadyEnded.length === 0 ? undefined : String(alreadyEnded.length)],
          ['Processes that survived', String(survivors)],
          [
            'Failed',
            failed.length === 0 ? undefined : failed.map(({ agentId, reason }) => `${agentId}: ${reason}`).join('; '),
          ],
          ['On their way', pending.length === 0 ? undefined : pending.map(({ spoke }) => spoke).join(', ')],
        ]}
      />
      {pending.length > 0 && <p>Those spokes have not answered yet. Their agents count as alive until they have.</p>}
    </section>
  );
}

function AgentLinks({ of }: { readonly of: readonly string[] }) {
  return (
    <>
      {of.length}:{' '}
      {of.slice(0, shownMax).map((agentId) => (
        <span key={agentId}>
          <Link to={`/agents/${agentId}`}>
            <code>{agentId.slice(0, 8)}</code>
          </Link>{' '}
        </span>
      ))}
      {of.length > shownMax && `and ${of.length - shownMax} more`}
    </>
  );
}
