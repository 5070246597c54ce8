// The order of the fleet's lists and what a query wants of it: alike for what is in memory and what is in the store.
import { WritError, type AgentResource } from '#protocol';
import type { AgentQuery } from '#api';

/** Sorts by time of spawn, then id: the order of the list and of its keyset cursor. Of one length, however a spoke writes its times. */
export function placeOf({ spawnedAt, agentId }: Pick<AgentResource, 'spawnedAt' | 'agentId'>): string {
  return `${new Date(Date.parse(spawnedAt) || 0).toISOString()} ${agentId}`;
}

/** The connections that `query.spoke` and `query.labels` stand for; undefined for all. */
export type Owners = ReadonlySet<string> | undefined;

type What = Pick<AgentQuery, 'states' | 'taskId' | 'agentType'>;

export function fits(agent: AgentResource, query: What, owners: Owners): boolean {
  return (
    (owners === undefined || owners.has(agent.owner)) &&
    (query.states === undefined || query.states.includes(agent.state)) &&
    (query.taskId === undefined || agent.taskId === query.taskId) &&
    (query.agentType === undefined || agent.agentType === query.agentType)
  );
}

export const cursorAt = (place: string) => Buffer.from(place).toString('base64url');

/** The place before which a page begins. @throws WritError `invalid_request` for what no page gave out */
export function placeIn(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (/^\S{1,40}Z [0-9a-f-]{36}$/.test(text) && cursorAt(text) === cursor) return text;
  throw new WritError('invalid_request', 'The cursor is not one of an earlier page.', { field: 'cursor' });
}
