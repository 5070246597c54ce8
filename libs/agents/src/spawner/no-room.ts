// Spawner room: whether something failed because a disk of the spoke is full, wherever that was noticed first.

/** For a hub and for people: no figures, no paths. */
export const noRoom = 'There is no room left on a disk of the spoke: its admin makes some (`writ gc`).';

const codes: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

/** Also when that is the cause of another error. */
export function lacksRoom(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return codes.includes(code) || lacksRoom(cause);
}
