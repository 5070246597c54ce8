// What an entry of a connection's accepted journal says about agents; breaks between epochs say nothing.
import { agentEvent, type AgentEvent } from '#protocol';
import type { JournalEntry } from '#federation';

/** Null for a break, and for an event of a newer spoke that this hub does not know yet. */
export function eventOf(entry: JournalEntry): AgentEvent | null {
  if (entry.kind === 'break') return null;
  return agentEvent.safeParse(JSON.parse(entry.event)).data ?? null;
}
