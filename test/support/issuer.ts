// An issuer of OpenID Connect over real HTTP, written from the text of OpenID Connect Core and RFC 7636: people are known by what the
// test says of them, and it can be told to lie.
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

interface Grant {
  readonly challenge: string;
  readonly nonce: string;
  readonly redirectUri: string;
}

/** How a statement is made; a test puts its own in place. */
export type Sign = (claims: JWTPayload, key: CryptoKey) => Promise<string>;

export const client = { id: 'writ-test', secret: 'of-the-client' };

export class Issuer {
  /** What is said of whoever signs in. */
  person: JWTPayload = { sub: '1', email: 'ada@partner.test', groups: ['ops'] };
  sign: Sign = (claims, key) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(key);
  /** Laid over the claims of the next statements. */
  lie: JWTPayload = {};
  readonly #codes = new Map<string, Grant>();

  private constructor(
    private readonly server: Server,
    private readonly key: CryptoKey,
    private readonly jwk: JWK,
  ) {}

  static async open(): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    const issuer = new Issuer(server, privateKey, jwk);
    server.on('request', (request, response) => void issuer.answer(request, response));
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (pathname === '/.well-known/openid-configuration') json(200, this.configuration());
    else if (pathname === '/keys') json(200, { keys: [this.jwk] });
    else if (pathname === '/authorize') response.writeHead(302, { location: this.admitted(searchParams) }).end();
    else {
      const told = await this.token(new URLSearchParams(await text(request)), request.headers.authorization);
      json(told ? 200 : 400, told ?? { error: 'invalid_grant' });
    }
  }

  private configuration() {
    const places = { authorization_endpoint: `${this.url}/authorize`, token_endpoint: `${this.url}/token` };
    return { issuer: this.url, ...places, jwks_uri: `${this.url}/keys` };
  }

  /** The person says yes at once. */
  private admitted(asked: URLSearchParams): string {
    const of = (name: string) => asked.get(name) ?? '';
    if (of('client_id') !== client.id || of('response_type') !== 'code' || of('code_challenge_method') !== 'S256')
      throw new Error(`not an authorization request: ${asked.toString()}`);
    const code = randomUUID();
    this.#codes.set(code, {
      challenge: of('code_challenge'),
      nonce: of('nonce'),
      redirectUri: of('redirect_uri'),
    });
    return `${of('redirect_uri')}?${new URLSearchParams({ code, state: of('state'), session_state: 'x' }).toString()}`;
  }

  /** A code counts once, for whoever has its verifier and the client's secret. */
  private async token(form: URLSearchParams, authorization: string | undefined) {
    const grant = this.#codes.get(form.get('code') ?? '');
    this.#codes.delete(form.get('code') ?? '');
    const secret = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`;
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (!grant || authorization !== secret || proof !== grant.challenge) return undefined;
    if (form.get('redirect_uri') !== grant.redirectUri) return undefined;
    const now = Math.floor(Date.now() / 1_000);
    const about = { iss: this.url, aud: client.id, iat: now, exp: now + 60, nonce: grant.nonce };
    return {
      token_type: 'Bearer',
      access_token: 'x',
      id_token: await this.sign({ ...about, ...this.person, ...this.lie }, this.key),
    };
  }
}
