// Waits for the end of an agent, and tells meanwhile what is seen of it.
import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal, type AgentResource } from '#protocol';
import type { ToolContext } from './tool.js';

/** How often it is looked at, in milliseconds. */
const lookMs = 500;

/** The agent as it ended; as it is after `waitMs`, or when nobody waits any more. @throws WritError `not_found` */
export async function follow(
  { gateway, signal, progress }: ToolContext,
  agentId: string,
  waitMs: number,
): Promise<AgentResource> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  let told = '';
  for (;;) {
    const agent = await gateway.get(agentId);
    const { state, usage, limits } = agent;
    const now = `${state}, turn ${usage.turns}`;
    if (now !== told) await progress(usage.turns, limits.turnsMax, now);
    told = now;
    if (waitMs === 0 || isTerminal(state) || over.aborted) return agent;
    await sleep(lookMs, undefined, { signal: over }).catch(() => undefined);
  }
}
