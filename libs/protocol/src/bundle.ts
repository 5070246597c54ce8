// The work of an agent as a git bundle (gitformat-bundle, version 2), as far as it is read without git: what it says of itself
// before its pack. Whoever is handed one finds out here whether it is the branch that was stated, and nothing beside it.
import { WritError } from './errors.js';
import { agentBranch } from './permits.js';

/** Before the pack: prerequisites with their subjects, and refs. */
export const bundleHeadBytesMax = 65_536;

/** A ref of a git repository, in full. */
export function agentRef(agentId: string): string {
  return `refs/heads/${agentBranch(agentId)}`;
}

/** What is said of a bundle: the agent's branch ends in `commit`, and who has `base` can take it. */
export interface BundleFacts {
  readonly commit: string;
  readonly base: string;
  /** Its length. */
  readonly bytes: number;
  /** In base64url. */
  readonly sha256: string;
}

interface Head {
  readonly prerequisites: readonly string[];
  readonly refs: readonly string[];
  readonly packAt: number;
}

const signature = '# v2 git bundle\n';
const prerequisite = /^-([0-9a-f]{40})( .*)?$/;

/**
 * Whether the beginning of a bundle is that of this agent's branch: one ref, by its own name, at the commit that was stated, above the base.
 * Returns where its pack begins, in bytes.
 * @throws WritError `artifact_invalid` with what is wrong
 */
export function checkBundle(start: Uint8Array, agentId: string, { commit, base }: BundleFacts): number {
  const { prerequisites, refs, packAt } = headOf(start);
  const [ref, ...more] = refs;
  if (ref !== `${commit} ${agentRef(agentId)}` || more.length > 0)
    throw invalid(`It has to hold ${agentBranch(agentId)} at the commit that was stated, and no other ref.`);
  if (!prerequisites.includes(base)) throw invalid('It does not stand on the commit that the agent began with.');
  return packAt;
}

function headOf(start: Uint8Array): Head {
  const bytes = Buffer.from(start.buffer, start.byteOffset, Math.min(start.byteLength, bundleHeadBytesMax));
  const end = bytes.indexOf('\n\nPACK', 0, 'latin1');
  const text = bytes.toString('latin1', 0, Math.max(0, end + 1));
  if (end < 0 || !text.startsWith(signature)) throw invalid('It is no git bundle of version 2.');
  const lines = text.slice(signature.length, -1).split('\n');
  const first = lines.findIndex((line) => !line.startsWith('-'));
  const refs = first < 0 ? [] : lines.slice(first);
  const prerequisites = lines.slice(0, lines.length - refs.length).map((line) => prerequisite.exec(line)?.[1]);
  if (prerequisites.includes(undefined)) throw invalid('What it stands on cannot be read.');
  return { prerequisites: prerequisites.filter((one) => one !== undefined), refs, packAt: end + 2 };
}

function invalid(what: string): WritError {
  return new WritError('artifact_invalid', `The bundle is not what was stated. ${what}`);
}
