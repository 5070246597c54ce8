// What an agent leaves, as a hub asks for it: its diff, or a piece of its branch.
import { bundlePieceBytesMax, encodeBase64url, type OperationArgs, type OperationBody } from '#protocol';
import type { Agents } from '#agents';
import { diffThatFits } from './fits.js';

type Asked = OperationArgs<'agent.artifact'>;

/** @throws WritError `not_found`, also for an agent of another connection; `withheld`, `too_large` */
export async function artifactOf(
  agents: Agents,
  owner: string,
  asked: Asked,
): Promise<OperationBody<'agent.artifact'>> {
  if (asked.kind === 'diff') return { kind: 'diff', ...diffThatFits(await agents.diff(asked.agentId, owner)) };
  const { offset, bytesMax } = asked;
  const { commit, base, bytes, sha256, read } = await agents.bundle(asked.agentId, owner);
  const piece = await read(offset, Math.min(bytesMax, bundlePieceBytesMax));
  return { kind: 'bundle', commit, base, bytes, sha256, offset, data: encodeBase64url(piece) };
}
