// What a peer may be asked or shown beyond what every instance of version 1 knows. Each addition has a name, and who knows it says that
// name among the `ops` of its hello: names that a receiver does not know mean nothing to it.
import { agentOptions } from './agent.js';
import { grant, type Grant } from './grant.js';
import type { OperationName } from './operations.js';

/** Checkpoints of the audit log are taken. */
export const checkpointsTaken = 'audit.checkpoint';
/** `agent.artifact` is also answered for the kind `bundle`. */
const bundlesServed = 'agent.artifact.bundle';

/** The members of version 1. Whatever a schema has beyond them is an addition, and named after the place where it stands. */
const first = {
  'agent.spawn': ['runtime', 'model', 'limits', 'sandbox', 'session', 'push', 'gates'],
  grant: [
    ...['operations', 'agentTypes', 'repositories', 'branches', 'push', 'gates', 'runtimes', 'models', 'sandbox'],
    ...['concurrentMax', 'limits', 'perDay', 'startsPerMinute', 'hubLost', 'approval'],
  ],
} as const;

function additions(place: keyof typeof first, members: object): string[] {
  const known: readonly string[] = first[place];
  return Object.keys(members).flatMap((member) => (known.includes(member) ? [] : [`${place}.${member}`]));
}

/** What a spoke says beside its operations. */
export const namesOfSpoke: readonly string[] = [bundlesServed, ...additions('agent.spawn', agentOptions.shape)];
/** What a hub says. */
export const namesOfHub: readonly string[] = additions('grant', grant.shape);

/** What a peer has to name in its hello before it is asked this. */
export function namesNeeded(op: OperationName, args: Readonly<Record<string, unknown>>): readonly string[] {
  if (op === 'agent.artifact' && args.kind === 'bundle') return [op, bundlesServed];
  if (op === 'agent.spawn') return [op, ...additions(op, present(args.options))];
  return [op];
}

/** The grant as a hub may see it that names these in its hello: it would refuse a hello with members that it does not know. */
export function shownGrant(whole: Grant, named: readonly string[]): Grant {
  const hidden = new Set(additions('grant', whole).filter((name) => !named.includes(name)));
  return Object.fromEntries(Object.entries(whole).filter(([member]) => !hidden.has(`grant.${member}`))) as Grant;
}

function present(options: unknown): object {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
}
