// What an entry of a connection's accepted journal says about agents; breaks between epochs say nothing.
import { z } from 'zod';
import { agentEvent, type AgentEvent } from '#protocol';
import type { JournalEntry } from '#federation';

const compiledEvent = z.compile(agentEvent);

/** Null for a break, for an event of a newer spoke that this hub does not know yet, and for what is no event at all. */
export function eventOf(entry: JournalEntry): AgentEvent | null {
  if (entry.kind === 'break') return null;
  return compiledEvent.safeParse(jsonOf(entry.event)).data ?? null;
}

/** A spoke may journal any string: one that is no JSON must not end the reading of those that follow. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
