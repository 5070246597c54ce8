// What the picture shows: the spokes as asked now and then, and the agents as events tell; one that ended stays for a while.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { AgentCountsResource, AgentPageResource, AgentResource, Spoke } from '#protocol';
import { begun, lately, useFeed, type Happening } from '../../live/feed.js';
import { after, born } from '../../live/fold.js';
import { useAsked, type Asked } from '../../parts/asked.js';
import { useCounts } from '../../parts/counts.js';
import { get } from '../../rest/http.js';
import { isOver } from '../../words/agents.js';
import { aliveIn } from '../../words/counts.js';

/** So long an agent that ended is still there. */
const staysMs = 30_000;
const lookEveryMs = 10_000;
/** So many agents are drawn about a spoke, and no more are kept of it; all others are counted. */
const shownMax = 90;

interface Living {
  readonly agents: ReadonlyMap<string, AgentResource>;
  /** How many events came from a spoke since the page was opened, by its name. */
  readonly beats: ReadonlyMap<string, number>;
}

export interface Fleet extends Living {
  readonly spokes: Asked<readonly Spoke[]>;
  readonly asked: Asked<readonly AgentResource[]>;
  /** Of all agents, also those that are not shown, by the name of their spoke. */
  readonly alive: ReadonlyMap<string, number>;
}

/** The newest that live, of each spoke that has some. */
async function newestOfEach(signal: AbortSignal): Promise<AgentResource[]> {
  await begun();
  const { spokes } = await get<AgentCountsResource>('/v1/agents/counts', {}, signal);
  const query = { state: 'spawning,running', limit: shownMax };
  const asked = spokes
    .filter(({ counts }) => aliveIn(counts) > 0)
    .map(({ id }) => get<AgentPageResource>('/v1/agents', { ...query, spoke: id }, signal));
  return (await Promise.all(asked)).flatMap(({ agents }) => agents);
}

export function useFleet(): Fleet {
  const spokes = useAsked(
    'spokes',
    async (signal) => (await get<{ spokes: Spoke[] }>('/v1/spokes', {}, signal)).spokes,
  );
  const asked = useAsked('live', newestOfEach);
  const living = useMemo(() => new Life(asked.value), [asked.value]);
  const counts = useCounts();
  const alive = useMemo(
    () => new Map(counts.value?.spokes.map((one) => [one.name, aliveIn(one.counts)])),
    [counts.value],
  );
  const [, draw] = useState(0);
  const redraw = () => draw((before) => before + 1);
  useFeed((happened) => {
    if (happened.some((one) => 'missing' in one)) asked.again();
    living.hear(happened);
    redraw();
  });
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.hidden) return;
      living.forget(Date.now());
      spokes.again();
    }, lookEveryMs);
    return () => clearInterval(timer);
  }, [living]);
  return { spokes, asked, alive, agents: living.agents, beats: living.beats };
}

class Life implements Living {
  readonly agents = new Map<string, AgentResource>();
  readonly beats = new Map<string, number>();

  /** How many are shown of a spoke. */
  private readonly shown = new Map<string, number>();

  constructor(asked: readonly AgentResource[] | undefined) {
    for (const agent of asked ?? []) this.put(agent);
    if (asked) this.hear(lately());
    this.forget(Date.now());
  }

  hear(happened: readonly Happening[]): void {
    for (const one of happened) {
      if (!('event' in one)) continue;
      const { event, spoke } = one;
      if (spoke !== undefined) this.beats.set(spoke, (this.beats.get(spoke) ?? 0) + 1);
      const agent = this.agents.get(event.subject);
      const next = agent ? after(agent, event) : born(one);
      if (next && next !== agent) this.put(next);
    }
  }

  forget(now: number): void {
    for (const agent of this.agents.values())
      if (isOver(agent) && now - Date.parse(agent.endedAt ?? '') > staysMs) this.drop(agent);
  }

  private put(agent: AgentResource): void {
    const name = agent.spoke?.name ?? '';
    const shown = this.shown.get(name) ?? 0;
    const isShown = this.agents.has(agent.agentId);
    if (!isShown && shown >= shownMax) return;
    this.agents.set(agent.agentId, agent);
    if (!isShown) this.shown.set(name, shown + 1);
  }

  private drop({ agentId, spoke }: AgentResource): void {
    this.agents.delete(agentId);
    this.shown.set(spoke?.name ?? '', (this.shown.get(spoke?.name ?? '') ?? 1) - 1);
  }
}
