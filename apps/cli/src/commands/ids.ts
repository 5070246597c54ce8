// Agents are named by id; a person may type the beginning of one.
import type { RestClient } from '#client';
import { agentId, WritError } from '#protocol';

const prefixShape = /^[0-9a-f][0-9a-f-]{3,35}$/;

/** Whether it is an id, or the beginning of one. */
export const mayBeId = (given: string): boolean => prefixShape.test(given);

/** The whole id. A beginning of 4 characters or more is looked up. @throws WritError `not_found`, `invalid_request` when it fits several. */
export async function wholeId(client: RestClient, given: string): Promise<string> {
  if (agentId.safeParse(given).success) return given;
  if (!mayBeId(given)) throw new WritError('invalid_request', `${given}: is no agent id.`, { field: 'id' });
  const found: string[] = [];
  for await (const agent of client.agents.all()) if (agent.agentId.startsWith(given)) found.push(agent.agentId);
  const [first, second] = found;
  if (first === undefined) throw new WritError('not_found', `There is no agent whose id begins with ${given}.`);
  if (second !== undefined)
    throw new WritError('invalid_request', `${given}: fits ${found.length} agents; give more of it.`, { field: 'id' });
  return first;
}
