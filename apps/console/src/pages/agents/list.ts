// The agents that are listed: asked for page by page as somebody scrolls, and kept as events tell.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { AgentPageResource, AgentResource } from '#protocol';
import { useFeed, type Happening } from '../../live/feed.js';
import { after, born } from '../../live/fold.js';
import { get } from '../../rest/http.js';
import { asTrouble, type Trouble } from '../../rest/problem.js';
import { asQuery, fits, type Filters } from './filters.js';

const pageSize = 200;
/** So many rows ahead of the last one in sight the next page is asked for. */
const aheadRows = 120;

export interface AgentList {
  readonly agents: readonly AgentResource[];
  readonly stale: NonNullable<AgentPageResource['stale']>;
  /** Whether there are more than are listed. */
  readonly hasMore: boolean;
  readonly isAsking: boolean;
  readonly trouble?: Trouble | undefined;
  /** The last row in sight. */
  readonly seen: (last: number) => void;
  readonly again: () => void;
}

/** Rows by their id, in the order of the list. */
class Held {
  readonly rows: AgentResource[] = [];
  private readonly places = new Map<string, number>();
  cursor: string | undefined;
  stale: NonNullable<AgentPageResource['stale']> = [];
  isWhole = false;

  add({ agents, nextCursor, stale = [] }: AgentPageResource): void {
    for (const agent of agents) {
      if (this.places.has(agent.agentId)) continue;
      this.places.set(agent.agentId, this.rows.push(agent) - 1);
    }
    this.cursor = nextCursor;
    this.stale = stale;
    this.isWhole = nextCursor === undefined;
  }

  /** True when something that is shown has changed. Rows stay where they are when their state does: nobody loses their place. */
  hear(happened: readonly Happening[], filters: Filters): boolean {
    const newcomers: AgentResource[] = [];
    let isChanged = false;
    for (const one of happened) {
      if (!('event' in one)) continue;
      const place = this.places.get(one.event.subject);
      const agent = place === undefined ? undefined : this.rows[place];
      if (place !== undefined && agent) {
        const next = after(agent, one.event);
        isChanged ||= next !== agent;
        this.rows[place] = next;
        continue;
      }
      const at = newcomers.findIndex(({ agentId }) => agentId === one.event.subject);
      const known = newcomers[at];
      if (known) newcomers[at] = after(known, one.event);
      else newcomers.push(...[born(one)].filter((agent) => agent !== undefined));
    }
    return this.welcome(newcomers.filter((agent) => fits(agent, filters))) || isChanged;
  }

  private welcome(newcomers: readonly AgentResource[]): boolean {
    if (newcomers.length === 0) return false;
    this.rows.unshift(...newcomers.toReversed());
    for (const [place, { agentId }] of this.rows.entries()) this.places.set(agentId, place);
    return true;
  }
}

export function useAgents(filters: Filters): AgentList {
  const key = JSON.stringify(filters);
  const [round, turn] = useState(0);
  const held = useMemo(() => new Held(), [key, round]);
  const [, draw] = useState(0);
  const [trouble, setTrouble] = useState<Trouble>();
  const asking = useRef<Held | undefined>(undefined);
  const redraw = () => draw((before) => before + 1);
  const again = () => turn((before) => before + 1);

  const ask = () => {
    if (asking.current === held || held.isWhole) return;
    asking.current = held;
    const { cursor } = held;
    const done = (failed?: Trouble) => {
      if (asking.current !== held) return;
      asking.current = undefined;
      setTrouble(failed);
      redraw();
    };
    get<AgentPageResource>('/v1/agents', { ...asQuery(filters), limit: pageSize, cursor }).then(
      (page) => {
        held.add(page);
        done();
      },
      (error: unknown) => done(asTrouble(error)),
    );
  };
  useEffect(ask, [held]);
  useFeed((happened) => {
    if (happened.some((one) => 'missing' in one)) again();
    else if (held.hear(happened, filters)) redraw();
  });
  const seen = (last: number) => {
    if (last + aheadRows > held.rows.length && !trouble) ask();
  };
  const { rows: agents, stale } = held;
  return { agents, stale, hasMore: !held.isWhole, isAsking: asking.current === held, trouble, seen, again };
}
