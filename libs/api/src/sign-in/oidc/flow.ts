// One sign-in at the issuer: the code flow with PKCE. What proves that the browser which comes back is the one that was sent off is
// derived from a random seed in that browser's cookie, so that nothing is kept here meanwhile.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { WritError } from '#protocol';
import type { Variable } from '../../secrets/secret-text.js';
import { IssuerFault } from './http.js';
import { Issuer } from './issuer.js';
import type { OidcOptions } from './options.js';
import { personOf, type Person } from './person.js';

/** What the issuer sends the browser back with. */
export interface Returned {
  readonly state?: string | undefined;
  readonly code?: string | undefined;
}

const seedText = /^[A-Za-z0-9_-]{43}$/;
const derived = (seed: string, what: string) => createHmac('sha256', seed).update(what).digest('base64url');

export class OidcFlow {
  private constructor(
    private readonly options: OidcOptions | undefined,
    private readonly issuer: Issuer | undefined,
  ) {}

  /** Without options nobody vouches for anybody. */
  static of(options: OidcOptions | undefined, variable: Variable): OidcFlow {
    return new OidcFlow(options, options && new Issuer(options, variable));
  }

  /** The host of the issuer, for people. */
  get name(): string | undefined {
    return this.options && new URL(this.options.issuer).host;
  }

  /** Where to send the browser, and the seed for its cookie. @throws WritError `not_found` without an issuer, `sign_in_refused` */
  async begin(): Promise<{ readonly url: string; readonly seed: string }> {
    const { options, issuer } = this.ready();
    const seed = randomBytes(32).toString('base64url');
    const challenge = createHash('sha256').update(derived(seed, 'verifier')).digest('base64url');
    const proofs = { nonce: derived(seed, 'nonce'), redirectUri: options.redirectUri };
    const url = await issuer.authorizeUrl(derived(seed, 'state'), challenge, proofs).catch(refused);
    return { url, seed };
  }

  /** @throws WritError `sign_in_refused`, `forbidden` for somebody without a role here */
  async finish(seed: string | undefined, { state, code }: Returned): Promise<{ issuer: string; person: Person }> {
    const { options, issuer } = this.ready();
    if (seed === undefined || !seedText.test(seed) || !isSame(state, derived(seed, 'state')))
      return refused(new IssuerFault('The browser that came back is not one that was sent, or came back too late.'));
    if (code === undefined) return refused(new IssuerFault('The issuer gave no code.'));
    const [verifier, nonce] = [derived(seed, 'verifier'), derived(seed, 'nonce')];
    const claims = await issuer.claims(code, { verifier, nonce, redirectUri: options.redirectUri }).catch(refused);
    return { issuer: options.issuer, person: personOf(claims, options) };
  }

  private ready(): { options: OidcOptions; issuer: Issuer } {
    const { options, issuer } = this;
    if (options && issuer) return { options, issuer };
    throw new WritError('not_found', 'No issuer is set here: sign in with an API key.');
  }
}

function isSame(given: string | undefined, expected: string): boolean {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The person learns the code, the log the reason. */
function refused(cause: unknown): never {
  if (!(cause instanceof IssuerFault)) throw cause;
  throw new WritError('sign_in_refused', cause.message, { cause });
}
