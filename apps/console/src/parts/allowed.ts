// Who is signed in, for what a page shows. The instance decides what is done.
import type { Role } from '#protocol';
import { may, signedIn } from '../rest/proof.js';
import { useCell } from '../state/cell.js';

export function useMay(needed: Role): boolean {
  const who = useCell(signedIn);
  return who.state === 'in' && may(who.key.role, needed);
}

/** Whether this console is of a hub or of a spoke. */
export function useSide(): 'hub' | 'spoke' {
  const who = useCell(signedIn);
  return who.state === 'in' ? who.instance.role : 'spoke';
}
