// What the picture shows: the spokes as asked now and then, and the agents as events tell; one that ended stays for a while.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { AgentPageResource, AgentResource, Spoke } from '#protocol';
import { useFeed, type Happening } from '../../live/feed.js';
import { after, born } from '../../live/fold.js';
import { useAsked, type Asked } from '../../parts/asked.js';
import { get } from '../../rest/http.js';
import { isOver } from '../../words/agents.js';

/** So long an agent that ended is still there. */
const staysMs = 30_000;
const pageSize = 200;
const pagesMax = 10;
const lookEveryMs = 10_000;

interface Living {
  readonly agents: ReadonlyMap<string, AgentResource>;
  /** How many events came from a spoke since the page was opened, by its name. */
  readonly beats: ReadonlyMap<string, number>;
}

export interface Fleet extends Living {
  readonly spokes: Asked<readonly Spoke[]>;
  readonly asked: Asked<readonly AgentResource[]>;
}

async function allLive(signal: AbortSignal): Promise<AgentResource[]> {
  const agents: AgentResource[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page += 1) {
    const query = { state: 'spawning,running', limit: pageSize, cursor };
    const found = await get<AgentPageResource>('/v1/agents', query, signal);
    agents.push(...found.agents);
    cursor = found.nextCursor;
    if (cursor === undefined) break;
  }
  return agents;
}

export function useFleet(): Fleet {
  const spokes = useAsked(
    'spokes',
    async (signal) => (await get<{ spokes: Spoke[] }>('/v1/spokes', {}, signal)).spokes,
  );
  const asked = useAsked('live', allLive);
  const living = useMemo(() => new Life(asked.value ?? []), [asked.value]);
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
  return { spokes, asked, agents: living.agents, beats: living.beats };
}

class Life implements Living {
  readonly agents = new Map<string, AgentResource>();
  readonly beats = new Map<string, number>();

  constructor(agents: readonly AgentResource[]) {
    for (const agent of agents) this.agents.set(agent.agentId, agent);
  }

  hear(happened: readonly Happening[]): void {
    for (const one of happened) {
      if (!('event' in one)) continue;
      const { event, spoke } = one;
      if (spoke !== undefined) this.beats.set(spoke, (this.beats.get(spoke) ?? 0) + 1);
      const agent = this.agents.get(event.subject);
      const next = agent ? after(agent, event) : born(one);
      if (next && next !== agent) this.agents.set(event.subject, next);
    }
  }

  forget(now: number): void {
    for (const [id, agent] of this.agents)
      if (isOver(agent) && now - Date.parse(agent.endedAt ?? '') > staysMs) this.agents.delete(id);
  }
}
