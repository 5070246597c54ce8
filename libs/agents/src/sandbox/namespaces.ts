// Sandbox room: what lives of a launch that has a PID namespace. The kernel kills all that is in one when its first process dies,
// so that nothing can live in it longer; and as long as that process lives, the namespace's number is surely its own.
import { launchMarker } from './gate.js';
import type { Launch } from './ledger.js';
import { descendantsOf, isAlive, namespaceMembers } from './process.js';
import type { Living } from './reaper.js';

/** Before the namespace is known, everything that stems from the outer process, or was started by it, holds the sandbox. */
export function livingInNamespace({ id, outer, init }: Launch): Living {
  if (!init) return { holders: descendantsOf([outer], launchMarker(id)), inside: [] };
  return { holders: [init, outer].filter(isAlive), inside: namespaceMembers(init) };
}
