// Who is signed in, for whoever asks the instance: the token that goes with the cookie, and what happens when it holds no more.
import type { Role, SessionResource } from '#protocol';
import { Cell } from '../state/cell.js';
import type { Trouble } from './problem.js';

/** `unknown` until the instance has answered. `why` is there when a session ended under somebody. */
export type SignedIn =
  | { readonly state: 'unknown' }
  | { readonly state: 'out'; readonly why?: Trouble }
  | ({ readonly state: 'in' } & SessionResource);

export const signedIn = new Cell<SignedIn>({ state: 'unknown' });

/** Headers that prove that a page of the instance asks. */
export function proof(): Record<string, string> {
  const now = signedIn.value;
  return now.state === 'in' && now.session ? { 'writ-csrf': now.session.csrf } : {};
}

/** A refusal of a session that was there is said on the page for signing in. */
export function sessionOver(why: Trouble): void {
  const wasIn = signedIn.value.state === 'in' || why.code === 'session_ended';
  signedIn.set({ state: 'out', ...(wasIn && { why }) });
}

const rising: readonly Role[] = ['viewer', 'operator', 'admin'];

/** Whether somebody of that role may do what needs `needed`. The instance decides; this is for what is shown. */
export function may(role: Role, needed: Role): boolean {
  return rising.indexOf(role) >= rising.indexOf(needed);
}
