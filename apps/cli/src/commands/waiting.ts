// Waiting for what goes on by itself: looked at again and again, and told to whoever waits.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RestClient } from '#client';
import type { AgentResource } from '#protocol';
import type { Desk } from '../desk.js';
import { agentWords } from '../progress/words.js';

const everyMs = 500;

/** A pause between two looks. @throws AbortError at Ctrl-C */
export async function pause({ world }: Desk, ms = everyMs): Promise<void> {
  await sleep(ms, undefined, { signal: world.signal });
}

/** The agent once it is as wanted. Who stops waiting is told that it goes on. */
export async function awaitAgent(
  client: RestClient,
  id: string,
  desk: Desk,
  isWanted: (agent: AgentResource) => boolean,
): Promise<AgentResource> {
  try {
    for (;;) {
      const agent = await client.agents.get(id);
      if (isWanted(agent)) return agent;
      desk.wait(agentWords(agent));
      await pause(desk);
    }
  } catch (error) {
    if (desk.world.signal.aborted)
      desk.world.err(`${id} goes on: see \`writ logs -f ${id}\`; \`writ kill ${id}\` ends it.\n`);
    throw error;
  }
}

/** The end of `work`; how far it is, as `look` finds it, is told meanwhile. */
export async function whileTelling<T>(work: Promise<T>, desk: Desk, look: () => Promise<string>): Promise<T> {
  const over = new AbortController();
  if (desk.world.progress.isSeen) tell(desk, look, over.signal).catch(() => undefined);
  try {
    return await work;
  } finally {
    over.abort();
  }
}

/** A look that fails tells nothing new. @throws AbortError once it is over */
async function tell(desk: Desk, look: () => Promise<string>, over: AbortSignal): Promise<never> {
  for (;;) {
    await sleep(everyMs, undefined, { signal: over });
    const found = await look().catch(() => undefined);
    over.throwIfAborted();
    if (found !== undefined) desk.wait(found);
  }
}

/** Chunks as they come; how much has come is told meanwhile. */
export async function* told<T extends { readonly length: number }>(
  chunks: AsyncIterable<T>,
  show: (length: number) => void,
): AsyncGenerator<T> {
  let length = 0;
  for await (const chunk of chunks) {
    show((length += chunk.length));
    yield chunk;
  }
}
