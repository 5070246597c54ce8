// Reading the work of an agent while it may move: at its end it goes from the worktree to the mirror, and the record says so before
// the worktree goes. What broke in that moment finds it in its new place.
import { WritError } from '#protocol';
import { GitFailure } from './git.js';

/** Reads once more when git could not read it the first time. */
export async function whereverItIs<T>(read: () => Promise<T>): Promise<T> {
  return read().catch((error: unknown) => {
    if (ofGit(error)) return read();
    throw error;
  });
}

function ofGit(error: unknown): boolean {
  if (error instanceof GitFailure) return true;
  if (error instanceof WritError && error.code === 'internal') return true;
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown };
  return code === 'ENOENT' || (cause !== undefined && ofGit(cause));
}
