// Where an agent may push its branch, decided at the door: by the grant for a hub, by `remotes` for this spoke's own people.
import { agentBranch, pushPermit, type PushPermit, type SpawnArgs } from '#protocol';

/** A push without a branch means the agent's own: named here, so that what is judged, shown and pushed is one. */
export function namingPush<A extends SpawnArgs>(args: A, agentId: string): A {
  const { push } = args.options;
  if (!push) return args;
  return { ...args, options: { ...args.options, push: { branch: push.branch ?? agentBranch(agentId) } } };
}

/** Of arguments with the branch named. Without `push` nothing was asked for, or it is not allowed. */
export function permitOf({ options }: SpawnArgs, patterns: readonly string[] = []): { readonly push?: PushPermit } {
  const { branch } = options.push ?? {};
  const push = branch === undefined ? undefined : pushPermit(patterns, branch);
  return push ? { push } : {};
}
