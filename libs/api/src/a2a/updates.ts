// What happens to a task from a cursor on, as A2A tells it: the events of its agent in their order, and at its end what it left.
// Every stream of a task is made of the same events, so all tell the same.
import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal, type AgentEvent, type AgentResource } from '#protocol';
import type { EventGap, EventPiece, Gateway } from '../gateway.js';
import { standingOfOrder, type Seen } from './ordered.js';
import { isEnd, standingAfter, standingOf, type Standing } from './states.js';
import { artifactsOf, reportsOf, statusOf, whereIs } from './tasks.js';
import type { Artifact, StreamResponse } from './wire.js';

/** How often the agent itself is looked at, in milliseconds: its end may have been told just before the cursor. */
const lookMs = 2_000;
const lagMs = 50;

export interface Followed {
  readonly gateway: Gateway;
  readonly agentId: string;
  readonly contextId: string;
  /** What happened up to here is known. */
  readonly cursor: string | undefined;
  /** What was shown last; older events say nothing new. */
  readonly shown?: Standing;
}

/** Ends after the task's last state, or with the signal. */
export async function* updates(of: Followed, signal: AbortSignal): AsyncGenerator<StreamResponse> {
  const ended = new AbortController();
  const over = AbortSignal.any([signal, ended.signal]);
  void lookForEnd(of, ended, over);
  try {
    for await (const piece of of.gateway.events(of.cursor, over)) {
      if (!isAbout(piece, of.agentId)) continue;
      if (isEnd(piece.event)) break;
      yield* told(of, piece.event);
    }
  } catch (error) {
    if (!over.aborted) throw error;
  } finally {
    ended.abort();
  }
  if (!signal.aborted) yield* lastOf(of, signal);
}

function isAbout(piece: EventPiece | EventGap, agentId: string): piece is EventPiece {
  return 'event' in piece && piece.event.subject === agentId;
}

async function* told(of: Followed, event: AgentEvent): AsyncGenerator<StreamResponse> {
  const standing = standingAfter(event);
  if (!standing || isKnown(standing, of.shown)) return;
  if (event.type === 'agent.turn' && event.data.end) yield* reportOfTurn(of, event);
  yield statusUpdate(of, standing);
}

function isKnown({ state, at }: Standing, shown: Standing | undefined): boolean {
  if (!shown) return false;
  const [now, then] = [Date.parse(at), Date.parse(shown.at)];
  return now < then || (now === then && state === shown.state);
}

async function* reportOfTurn(of: Followed, { data }: AgentEvent): AsyncGenerator<StreamResponse> {
  if (!('turnId' in data) || !('end' in data) || !data.end) return;
  const agent = await of.gateway.get(of.agentId);
  const turns = { taken: data.turn, last: data.end };
  for (const artifact of reportsOf({ ...agent, turns })) yield artifactUpdate(of, artifact);
}

async function* lastOf(of: Followed, signal: AbortSignal): AsyncGenerator<StreamResponse> {
  const order = await of.gateway.ordered(of.agentId);
  if (order) {
    yield statusUpdate(of, standingOfOrder(order));
    return;
  }
  const agent = await whenEnded(of.gateway, of.agentId, signal);
  if (!agent) return;
  const { artifacts } = await artifactsOf(of.gateway, agent);
  for (const artifact of artifacts) yield artifactUpdate(of, artifact);
  yield statusUpdate(of, standingOf(agent));
}

function statusUpdate({ agentId: id, contextId }: Followed, standing: Standing): StreamResponse {
  return { statusUpdate: { taskId: id, contextId, status: statusOf({ id, contextId }, standing) } };
}

function artifactUpdate({ agentId: taskId, contextId }: Followed, artifact: Artifact): StreamResponse {
  return { artifactUpdate: { taskId, contextId, artifact, lastChunk: true } };
}

async function lookForEnd({ gateway, agentId }: Followed, ended: AbortController, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await rest(lookMs, over);
    const ordered = await gateway.ordered(agentId).catch(() => undefined);
    const agent = ordered ? undefined : await gateway.get(agentId).catch(() => undefined);
    if ((agent && isTerminal(agent.state)) || ordered?.state === 'failed') ended.abort();
  }
}

/** The gateway may be a moment behind the event that told of the end. Undefined when the signal came first. */
export async function whenEnded(
  gateway: Gateway,
  agentId: string,
  signal: AbortSignal,
): Promise<AgentResource | undefined> {
  while (!signal.aborted) {
    const agent = await gateway.get(agentId);
    if (isTerminal(agent.state)) return agent;
    await rest(lagMs, signal);
  }
  return undefined;
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

/** From what the gateway shows now. */
export function followedFrom(gateway: Gateway, seen: Seen, cursor: string | undefined): Followed {
  if ('agent' in seen) {
    const { id: agentId, contextId } = whereIs(seen.agent);
    return { gateway, agentId, contextId, cursor, shown: standingOf(seen.agent) };
  }
  const { agentId, args } = seen.ordered;
  return { gateway, agentId, contextId: args.taskId, cursor };
}
