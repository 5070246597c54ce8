// The agents that are listed: asked for page by page as somebody scrolls, and kept as events tell.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { AgentEvent, AgentPageResource, AgentResource } from '#protocol';
import { begun, lately, useFeed, type Happening } from '../../live/feed.js';
import { after, born } from '../../live/fold.js';
import { useAtMostEvery } from '../../parts/every.js';
import { get } from '../../rest/http.js';
import { asTrouble, type Trouble } from '../../rest/problem.js';
import { asQuery, fits, type Filters } from './filters.js';

const pageSize = 200;
/** So many rows ahead of the last one in sight the next page is asked for. */
const aheadRows = 120;
const strangersMax = 2_000;
/** The hub is asked no more often about newcomers whose labels it has to judge. */
const lookEveryMs = 1_000;

export interface AgentList {
  /** Newest first. */
  readonly at: (index: number) => AgentResource | undefined;
  readonly count: number;
  /** How many came while it was listed. */
  readonly newcomers: number;
  readonly stale: NonNullable<AgentPageResource['stale']>;
  /** Whether there are more than are listed. */
  readonly hasMore: boolean;
  readonly isAsking: boolean;
  readonly trouble?: Trouble | undefined;
  /** The last row in sight. */
  readonly seen: (last: number) => void;
  readonly again: () => void;
}

/** What came of events: something that is shown is another, or somebody new may fit a label, which the hub knows. */
interface Heard {
  readonly isChanged: boolean;
  readonly isForHub: boolean;
}

/** Agents by their id, those that came while they were listed before the ones that were asked for: neither makes the other move. */
class Held {
  private readonly asked: AgentResource[] = [];
  /** The newest last. */
  private readonly came: AgentResource[] = [];
  private readonly places = new Map<string, Place>();
  /** Those of whom only events are known, and that are not listed. */
  private readonly strangers = new Map<string, AgentResource>();
  cursor: string | undefined;
  stale: NonNullable<AgentPageResource['stale']> = [];
  isWhole = false;

  get count(): number {
    return this.came.length + this.asked.length;
  }

  get newcomers(): number {
    return this.came.length;
  }

  readonly at = (index: number): AgentResource | undefined => {
    const { length } = this.came;
    return index < length ? this.came[length - 1 - index] : this.asked[index - length];
  };

  add({ agents, nextCursor, stale = [] }: AgentPageResource): void {
    this.take(this.asked, agents);
    this.cursor = nextCursor;
    this.stale = stale;
    this.isWhole = nextCursor === undefined;
  }

  /** Rows stay where they are when their state does: nobody loses their place. */
  hear(happened: readonly Happening[], filters: Filters): Heard {
    const before = this.count;
    let isChanged = false;
    for (const one of happened) {
      if (!('event' in one)) continue;
      const place = this.places.get(one.event.subject);
      if (place) isChanged = place.follow(one.event) || isChanged;
      else this.meet(one);
    }
    const newcomers = [...this.strangers.values()].filter((agent) => fits(agent, filters));
    let isForHub = false;
    for (const agent of newcomers) {
      this.strangers.delete(agent.agentId);
      if (filters.label === '') this.put(this.came, agent);
      else isForHub = true;
    }
    return { isChanged: isChanged || this.count > before, isForHub };
  }

  /** The newest as the instance has them. */
  welcome({ agents }: AgentPageResource): void {
    this.take(this.came, agents.toReversed());
  }

  /** As they were when it was answered, and then as was told lately. */
  private take(list: AgentResource[], agents: readonly AgentResource[]): void {
    const strangers = new Set(agents.filter(({ agentId }) => !this.places.has(agentId)).map(({ agentId }) => agentId));
    for (const agent of agents) this.put(list, agent);
    for (const one of lately())
      if ('event' in one && strangers.has(one.event.subject)) this.places.get(one.event.subject)?.follow(one.event);
  }

  /** One that fits no filter yet may do so with its next event. */
  private meet(one: Extract<Happening, { event: unknown }>): void {
    const { event } = one;
    const known = this.strangers.get(event.subject);
    const next = known ? after(known, event) : born(one);
    if (next) this.strangers.set(event.subject, next);
    const [oldest] = this.strangers.keys();
    if (oldest !== undefined && this.strangers.size > strangersMax) this.strangers.delete(oldest);
  }

  private put(list: AgentResource[], agent: AgentResource): void {
    if (this.places.has(agent.agentId)) return;
    this.places.set(agent.agentId, new Place(list, list.push(agent) - 1));
  }
}

/** Where an agent is held. */
class Place {
  constructor(
    private readonly list: AgentResource[],
    private readonly index: number,
  ) {}

  /** Whether the event made another of it. */
  follow(event: AgentEvent): boolean {
    const before = this.list[this.index];
    if (!before) return false;
    const next = after(before, event);
    this.list[this.index] = next;
    return next !== before;
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
    const query = { ...asQuery(filters), limit: pageSize, cursor };
    const page = begun().then(() => get<AgentPageResource>('/v1/agents', query));
    page.then(
      (page) => {
        held.add(page);
        done();
      },
      (error: unknown) => done(asTrouble(error)),
    );
  };
  useEffect(ask, [held]);
  const look = useAtMostEvery(lookEveryMs, () => {
    const query = { ...asQuery(filters), limit: pageSize };
    get<AgentPageResource>('/v1/agents', query).then(
      (page) => {
        held.welcome(page);
        redraw();
      },
      (error: unknown) => setTrouble(asTrouble(error)),
    );
  });
  useFeed((happened) => {
    if (happened.some((one) => 'missing' in one)) {
      again();
      return;
    }
    const { isChanged, isForHub } = held.hear(happened, filters);
    if (isForHub) look();
    if (isChanged) redraw();
  });
  const seen = (last: number) => {
    if (last + aheadRows > held.count && !trouble) ask();
  };
  const { at, count, newcomers, stale } = held;
  return {
    at,
    count,
    newcomers,
    stale,
    hasMore: !held.isWhole,
    isAsking: asking.current === held,
    trouble,
    seen,
    again,
  };
}
