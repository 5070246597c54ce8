// What an agent left on a partner's spoke, as the hub asks for it.
import { bundlePieceBytesMax, WritError, type AgentResource } from '#protocol';
import type { Queries } from '../spokes/queries.js';
import type { BundlePiece } from './part.js';

/** @throws WritError `schema` when the answer is of another kind */
export async function askDiff(queries: Queries, { owner, agentId }: AgentResource) {
  const said = await queries.ask(owner, 'agent.artifact', { agentId, kind: 'diff' });
  if (said.kind !== 'diff') throw otherKind();
  return { text: said.text, truncated: said.truncated };
}

/** @throws WritError `schema` when the answer is of another kind */
export async function askPiece(queries: Queries, agent: AgentResource, offset: number): Promise<BundlePiece> {
  const { owner, agentId } = agent;
  const wanted = { agentId, kind: 'bundle', offset, bytesMax: bundlePieceBytesMax } as const;
  const said = await queries.ask(owner, 'agent.artifact', wanted);
  if (said.kind !== 'bundle') throw otherKind();
  return said;
}

function otherKind(): WritError {
  return new WritError('schema', "The spoke's answer is of another kind than the one that was asked for.");
}
