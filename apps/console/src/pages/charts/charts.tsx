// Agents, money and, on a hub, how long spokes take to answer, over the time that the newest agents and commands tell of.
import { useMemo } from 'preact/hooks';
import type { AgentCountsResource, AgentPageResource, AgentResource, Command, CommandPage } from '#protocol';
import { useFeed } from '../../live/feed.js';
import { useAsked } from '../../parts/asked.js';
import { useAtMostEvery } from '../../parts/every.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { signedIn } from '../../rest/proof.js';
import { useCell } from '../../state/cell.js';
import { aliveIn, allIn } from '../../words/counts.js';
import { counted } from '../../words/figures.js';
import { Chart } from './chart.js';
import { alive, roundTrips, spent } from './series.js';

const pageSize = 200;
const pagesMax = 10;

async function pagesOf<P extends { readonly nextCursor?: string | undefined }>(
  path: string,
  signal: AbortSignal,
): Promise<P[]> {
  const pages: P[] = [];
  let cursor: string | undefined;
  do {
    const page = await get<P>(path, { limit: pageSize, cursor }, signal);
    pages.push(page);
    cursor = page.nextCursor;
  } while (cursor !== undefined && pages.length < pagesMax);
  return pages;
}

interface Told {
  /** The newest. */
  readonly agents: readonly AgentResource[];
  readonly counts: AgentCountsResource;
  readonly commands: readonly Command[];
  readonly at: number;
}

async function ask(isHub: boolean, signal: AbortSignal): Promise<Told> {
  const [agents, commands, counts] = await Promise.all([
    pagesOf<AgentPageResource>('/v1/agents', signal),
    isHub ? pagesOf<CommandPage>('/v1/commands', signal) : [],
    get<AgentCountsResource>('/v1/agents/counts', {}, signal),
  ]);
  return {
    counts,
    agents: agents.flatMap((page) => page.agents),
    commands: commands.flatMap((page) => page.commands),
    at: Date.now() / 1_000,
  };
}

/** What is asked for is much, so not with each event. */
const askEveryMs = 5_000;
const toldBy = new Set(['agent.spawned', 'agent.completed', 'agent.failed', 'agent.killed']);

export default function Charts() {
  const who = useCell(signedIn);
  const isHub = who.state === 'in' && who.instance.role === 'hub';
  const asked = useAsked(`charts ${isHub}`, (signal) => ask(isHub, signal));
  const again = useAtMostEvery(askEveryMs, asked.again);
  useFeed((happened) => {
    if (happened.some((one) => !('event' in one) || toldBy.has(one.event.type))) again();
  });
  const { value } = asked;
  const series = useMemo(
    () =>
      value && {
        alive: alive(value.agents, aliveIn(value.counts.total), value.at),
        spent: spent(value.agents, value.at),
        trips: roundTrips(value.commands),
      },
    [value],
  );
  return (
    <div class="stack">
      <header class="page-head">
        <div>
          <h1>Charts</h1>
          <p>{value ? scope(value) : ' '}</p>
        </div>
      </header>
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {series && (
        <>
          <Chart title="Agents alive" series={series.alive} say={(value) => counted(Math.round(value))} as="steps" />
          <Chart title="Money spent" series={series.spent} say={(value) => `$${value.toFixed(2)}`} as="steps" />
          {isHub && (
            <Chart
              title="Answer of a spoke"
              series={series.trips}
              say={(value) => `${Math.round(value)} ms`}
              as="points"
            />
          )}
        </>
      )}
    </div>
  );
}

function scope({ agents, counts }: Told): string {
  const all = allIn(counts.total);
  const shown = counted(agents.length);
  if (all <= agents.length) return `Of all agents: ${shown}`;
  return `Of the newest ${shown} agents among ${counted(all)}; those before them count where they are alive still`;
}
