// Whoever comes back from the issuer without a session: the instance names the code in the address.
import type { Trouble } from '../rest/problem.js';

const known: Readonly<Record<string, Omit<Trouble, 'code'>>> = {
  forbidden: {
    status: 403,
    title: 'You have no role here',
    detail: 'The issuer knows you, but none of your groups has a role on this instance.',
    next: 'Ask its admin to add your group to the setting `console.oidc.roles`, or sign in with an API key.',
  },
  sign_in_refused: {
    status: 401,
    title: 'The issuer did not vouch for you here',
    detail: 'It could not be reached, its statement was not taken, or the sign-in took too long.',
    next: 'Try once more; the log of the instance has the reason.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many sign-ins',
    detail: 'There were too many from your address.',
    next: 'Wait a minute.',
  },
};

/** Of this page's address. */
export function refusedByIssuer(): Trouble | undefined {
  const code = new URLSearchParams(location.search).get('refused');
  const found = code === null ? undefined : (known[code] ?? known.sign_in_refused);
  return found && { ...found, code: code ?? '' };
}
