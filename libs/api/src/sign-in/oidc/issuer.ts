// The issuer as this instance sees it: found by its discovery document, asked for a statement about one person, and that
// statement verified with the issuer's own keys.
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { secretText, type Variable } from '../../secrets/secret-text.js';
import { askIssuer, IssuerFault } from './http.js';
import type { OidcOptions } from './options.js';

const place = z.url({ protocol: /^https?$/ }).max(2_048);
const discovery = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: place,
  token_endpoint: place,
  jwks_uri: place,
});
type Discovery = z.infer<typeof discovery>;
const tokens = z.looseObject({ id_token: z.string().max(65_536) });

/** None that a shared secret or nobody signs. */
const algorithms = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];
const toleranceS = 30;

/** What only this sign-in knows. */
export interface Proofs {
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

export class Issuer {
  #found: Promise<Discovery> | undefined;
  #keys: JWTVerifyGetKey | undefined;

  constructor(
    private readonly options: OidcOptions,
    private readonly variable: Variable,
  ) {}

  /** Where the browser goes. @throws IssuerFault */
  async authorizeUrl(state: string, challenge: string, { nonce, redirectUri }: Omit<Proofs, 'verifier'>) {
    const { authorization_endpoint: endpoint } = await this.found();
    const { clientId, scopes } = this.options;
    const url = new URL(endpoint);
    const asked = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope: scopes.join(' ') };
    const proofs = { state, nonce, code_challenge: challenge, code_challenge_method: 'S256' };
    for (const [name, value] of Object.entries({ ...asked, ...proofs })) url.searchParams.set(name, value);
    return url.href;
  }

  /** The claims about the person for whom the code was given. @throws IssuerFault */
  async claims(code: string, proofs: Proofs): Promise<JWTPayload> {
    const found = await this.found();
    const { clientId } = this.options;
    const { redirectUri, verifier, nonce } = proofs;
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
    const body = new URLSearchParams({ ...form, client_id: clientId }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...this.credentials() };
    const told = await askIssuer('The code', found.token_endpoint, tokens, { method: 'POST', headers, body });
    return this.verified(told.id_token, found, nonce);
  }

  private async verified(token: string, { jwks_uri: jwksUri }: Discovery, nonce: string): Promise<JWTPayload> {
    const { issuer, clientId: audience } = this.options;
    this.#keys ??= createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: 10_000 });
    const wanted = { issuer, audience, algorithms, clockTolerance: toleranceS };
    const claims = await jwtVerify(token, this.#keys, { ...wanted, requiredClaims: ['sub', 'exp', 'iat'] }).then(
      ({ payload }) => payload,
      (cause: unknown) => {
        throw new IssuerFault(`Its statement was not taken (${String((cause as { code?: unknown }).code)}).`, {
          cause,
        });
      },
    );
    if (claims.nonce !== nonce) throw new IssuerFault('Its statement is for another sign-in.');
    if (Array.isArray(claims.aud) && claims.aud.length > 1 && claims.azp !== audience)
      throw new IssuerFault('Its statement is for another client.');
    return claims;
  }

  /** RFC 6749, 2.3.1; a public client has PKCE alone. */
  private credentials(): Record<string, string> {
    const { clientId, secretFile, secretEnv } = this.options;
    if (secretFile === undefined && secretEnv === undefined) return {};
    const found = secretText({ secretFile, secretEnv }, this.variable);
    if ('fault' in found) throw new IssuerFault(`The client's secret ${found.fault}.`);
    const pair = [clientId, found.text.trim()].map(encodeURIComponent).join(':');
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  }

  /** Once it was found it is known; a failure is tried anew. */
  private found(): Promise<Discovery> {
    this.#found ??= this.look().catch((error: unknown) => {
      this.#found = undefined;
      throw error;
    });
    return this.#found;
  }

  private async look(): Promise<Discovery> {
    const { issuer } = this.options;
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const found = await askIssuer('Its configuration', url, discovery, { method: 'GET' });
    if (found.issuer !== issuer) throw new IssuerFault('It calls itself otherwise than the setting `issuer` does.');
    const isTls = issuer.startsWith('https:');
    const places = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri];
    if (isTls && places.some((one) => !one.startsWith('https:')))
      throw new IssuerFault('It has addresses without TLS.');
    return found;
  }
}
