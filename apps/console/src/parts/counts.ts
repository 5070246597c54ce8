// How many agents are in which state, of all there are: asked for, and again when events say that one has changed its state.
import type { AgentCountsResource } from '#protocol';
import { useFeed } from '../live/feed.js';
import { get } from '../rest/http.js';
import { countedBy } from '../words/counts.js';
import { useAsked, type Asked } from './asked.js';
import { useAtMostEvery } from './every.js';

/** However many events there are, it is asked no more often. */
const countEveryMs = 1_000;

export function useCounts(): Asked<AgentCountsResource> {
  const counts = useAsked('counts', (signal) => get<AgentCountsResource>('/v1/agents/counts', {}, signal));
  const again = useAtMostEvery(countEveryMs, counts.again);
  useFeed((happened) => {
    if (happened.some((one) => !('event' in one) || countedBy.has(one.event.type))) again();
  });
  return counts;
}
