// Signing in with an API key, coming back with the cookie, signing out.
import type { SessionResource, SignInWays } from '#protocol';
import { get, post, remove } from './http.js';
import { asTrouble, TroubleError } from './problem.js';
import { signedIn } from './proof.js';

/** At the start of the page: whoever has a session goes on with it. @throws when the instance does not answer */
export async function resume(): Promise<void> {
  try {
    signedIn.set({ state: 'in', ...(await get<SessionResource>('/v1/session')) });
  } catch (error) {
    if (!(error instanceof TroubleError) || asTrouble(error).status !== 401) throw error;
  }
}

/** @throws TroubleError `unauthenticated` for a key that opens nothing */
export async function signIn(key: string): Promise<void> {
  signedIn.set({ state: 'in', ...(await post<SessionResource>('/v1/session', { key })) });
}

/** What there is besides an API key. */
export function ways(signal: AbortSignal): Promise<SignInWays> {
  return get<SignInWays>('/v1/session/ways', undefined, signal);
}

export async function signOut(): Promise<void> {
  await remove('/v1/session').catch(() => undefined);
  signedIn.set({ state: 'out' });
}
