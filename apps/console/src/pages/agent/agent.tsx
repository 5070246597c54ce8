// One agent: what it is and does, what it said, changed and cost, and what people may do to it.
import { useState } from 'preact/hooks';
import type { AgentResource } from '#protocol';
import { begun, lately, useFeed, type Happening } from '../../live/feed.js';
import { after } from '../../live/fold.js';
import { useAsked } from '../../parts/asked.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { signedIn } from '../../rest/proof.js';
import { filter, Link, usePlace } from '../../routing/router.js';
import type { PageProps } from '../../routing/page-props.js';
import { useCell } from '../../state/cell.js';
import { AgentHead } from './head.js';
import { Diff } from './diff.js';
import { Output } from './output.js';
import { Receipts } from './receipts.js';
import { Side } from './side.js';
import { Timeline } from './timeline.js';
import { Work } from './work.js';

const tabs = ['output', 'timeline', 'work', 'diff', 'receipts'] as const;
type Tab = (typeof tabs)[number];

export default function Agent({ params: { id = '' } }: PageProps) {
  const path = `/v1/agents/${encodeURIComponent(id)}`;
  const asked = useAsked(id, async (signal) => {
    await begun();
    return told(await get<AgentResource>(path, {}, signal), lately());
  });
  const agent = useTold(asked.value, asked.again);
  if (!agent)
    return asked.trouble ? (
      <TroubleBox trouble={asked.trouble}>
        <Link to="/agents" class="button">
          All agents
        </Link>
      </TroubleBox>
    ) : (
      <p class="loading">Loading…</p>
    );
  return (
    <div class="agent">
      <AgentHead agent={agent} />
      <div class="agent-parts">
        <Tabs agent={agent} />
        <Side agent={agent} />
      </div>
    </div>
  );
}

const told = (agent: AgentResource, happened: readonly Happening[]): AgentResource =>
  happened.reduce((before, one) => {
    return 'event' in one && one.event.subject === agent.agentId ? after(before, one.event) : before;
  }, agent);

/** The agent as asked, and then as events tell. */
function useTold(asked: AgentResource | undefined, again: () => void): AgentResource | undefined {
  const [last, tell] = useState<{ of: AgentResource; agent: AgentResource }>();
  const agent = last && last.of === asked ? last.agent : asked;
  useFeed((happened) => {
    if (happened.some((one) => 'missing' in one)) again();
    if (!agent || !asked) return;
    const next = told(agent, happened);
    if (next !== agent) tell({ of: asked, agent: next });
  });
  return agent;
}

function Tabs({ agent }: { readonly agent: AgentResource }) {
  const { query } = usePlace();
  const who = useCell(signedIn);
  const isHub = who.state === 'in' && who.instance.role === 'hub';
  const open = tabs.filter((tab) => tab !== 'receipts' || isHub);
  const now = open.find((tab) => tab === query.get('tab')) ?? 'output';
  return (
    <section class="agent-main card" aria-label="About the agent">
      <div class="tabs" role="tablist">
        {open.map((tab) => (
          <button
            {...{ key: tab, role: 'tab', id: `tab-${tab}`, 'aria-selected': tab === now, 'aria-controls': 'tab-shown' }}
            onClick={() => filter({ tab: tab === 'output' ? '' : tab })}
          >
            {tab}
          </button>
        ))}
      </div>
      <div class="tab-shown" id="tab-shown" role="tabpanel" aria-labelledby={`tab-${now}`}>
        <Shown tab={now} agent={agent} />
      </div>
    </section>
  );
}

function Shown({ tab, agent }: { readonly tab: Tab; readonly agent: AgentResource }) {
  if (tab === 'output') return <Output agentId={agent.agentId} />;
  if (tab === 'timeline') return <Timeline agent={agent} />;
  if (tab === 'work') return <Work agent={agent} />;
  if (tab === 'diff') return <Diff agent={agent} />;
  return <Receipts agentId={agent.agentId} />;
}
