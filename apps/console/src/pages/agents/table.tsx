// The list as a table: a row is a link, what is in sight is all that is in the page.
import { Component } from 'preact';
import type { AgentResource } from '#protocol';
import { useNow } from '../../parts/now.js';
import { Rows } from '../../parts/rows.js';
import { StateBadge } from '../../parts/state.js';
import { Link } from '../../routing/router.js';
import { ago, clock, counted, money } from '../../words/figures.js';
import { repositoryName, stateWord } from '../../words/agents.js';
import type { AgentList } from './list.js';

const rowPx = 46;

export function AgentTable({ list, isHub }: { readonly list: AgentList; readonly isHub: boolean }) {
  const { count, hasMore, isAsking } = list;
  const now = useNow();
  if (count === 0) return <Nothing isAsking={isAsking || hasMore} />;
  const heads = ['State', 'Task', 'Agent', ...(isHub ? ['Spoke'] : []), 'Repository', 'Turns', 'Money', 'Spawned'];
  return (
    <div class={`agents ${isHub ? 'of-hub' : ''}`}>
      <div class="agents-table" role="table" aria-label="Agents" aria-rowcount={hasMore ? -1 : count}>
        <div class="agents-row agents-head" role="row">
          {heads.map((head) => (
            <span key={head} role="columnheader" class={`col-${head.toLowerCase()}`}>
              {head}
            </span>
          ))}
        </div>
        <Rows
          {...{ count, height: rowPx, role: 'rowgroup', label: 'Agents', onSeen: list.seen, before: list.newcomers }}
          draw={(index) => {
            const agent = list.at(index);
            const when = agent && ago(agent.spawnedAt, now);
            return agent && <Row key={agent.agentId} {...{ agent, index, isHub, when }} />;
          }}
        />
      </div>
      <p class="agents-foot faint small" role="status">
        {counted(count)} {hasMore ? 'listed, more as you scroll' : count === 1 ? 'agent' : 'agents'}
      </p>
    </div>
  );
}

interface RowProps {
  readonly agent: AgentResource;
  readonly index: number;
  readonly isHub: boolean;
  /** How long ago it was spawned. */
  readonly when: string | undefined;
}

/** Drawn again only when something in it is another: of a thousand events a second few are of what is in sight. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate({ agent, index, isHub, when }: RowProps): boolean {
    const now = this.props;
    return agent !== now.agent || index !== now.index || isHub !== now.isHub || when !== now.when;
  }

  override render(props: RowProps) {
    return <Cells {...props} />;
  }
}

function Cells({ agent, index, isHub, when }: RowProps) {
  const { agentId, taskId, agentType, state, spoke, context, usage, spawnedAt } = agent;
  return (
    <div class="agents-row" role="row" aria-rowindex={index + 2}>
      <span role="cell" class="col-state">
        <StateBadge state={state} word={stateWord(agent)} />
      </span>
      <span role="cell" class="col-task" title={taskId}>
        {taskId} <span class="faint">{agentType}</span>
      </span>
      <span role="cell" class="col-agent">
        <Link to={`/agents/${agentId}`}>
          <code>{agentId.slice(0, 8)}</code>
          <span class="sr"> {taskId}</span>
        </Link>
      </span>
      {isHub && (
        <span role="cell" class="col-spoke">
          {spoke?.name}
        </span>
      )}
      <span role="cell" class="col-repository" title={context.repository}>
        {repositoryName(context.repository)} <span class="faint">{context.branch}</span>
      </span>
      <span role="cell" class="col-turns">
        {counted(usage.turns)}
      </span>
      <span role="cell" class="col-money">
        {money(usage.moneyMicroUsd)}
      </span>
      <span role="cell" class="col-spawned faint" title={clock(spawnedAt)}>
        {when}
      </span>
    </div>
  );
}

function Nothing({ isAsking }: { readonly isAsking: boolean }) {
  if (isAsking) return <p class="loading">Loading…</p>;
  return (
    <div class="empty">
      <h2>No agents here</h2>
      <p>None fits these filters; they appear by themselves as soon as there are some.</p>
    </div>
  );
}
