// Keys: Ed25519 (RFC 8037) by default, ES256 (RFC 7518) allowed. The algorithm belongs to the key, never to the message.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { z } from 'zod';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { WritError } from './errors.js';
import { lowOrderOrUnreduced } from './ed25519.js';

export type KeyAlgorithm = 'Ed25519' | 'ES256';

/** 32 bytes in canonical base64url. */
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'must be 32 bytes in canonical base64url');

export const okpJwk = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: bytes32 });
export const ecJwk = z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: bytes32, y: bytes32 });
/** A public key with the members of its thumbprint and no others. */
export const publicJwk = z.discriminatedUnion('kty', [okpJwk, ecJwk]);
export type PublicJwk = z.infer<typeof publicJwk>;

const privateJwk = z.discriminatedUnion('kty', [okpJwk.extend({ d: bytes32 }), ecJwk.extend({ d: bytes32 })]);
export type PrivateJwk = z.infer<typeof privateJwk>;

/** RFC 7638 SHA-256 thumbprint, base64url: 43 characters. The members are in the order that the RFC asks for. */
export function thumbprintOf(jwk: PublicJwk): string {
  const { kty, crv, x } = jwk;
  const members = kty === 'EC' ? { crv, kty, x, y: jwk.y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

/** Signed once at every import of a private key: OpenSSL believes whatever public half the file names. */
const probe = Buffer.from('writ');

/** A public key. The imported key object is kept, so that verifying costs one signature and nothing else. */
export class VerifyingKey {
  readonly kid: string;
  readonly alg: KeyAlgorithm;
  readonly #key: KeyObject;
  readonly #headers = new Map<string, string>();

  private constructor(readonly jwk: PublicJwk) {
    this.kid = thumbprintOf(jwk);
    this.alg = jwk.kty === 'EC' ? 'ES256' : 'Ed25519';
    this.#key = imported(() => createPublicKey({ key: jwk, format: 'jwk' }));
  }

  /** @throws WritError `key_invalid`: unknown members, wrong curve, a point off the curve, stray bits, a low-order point. */
  static fromJwk(jwk: unknown): VerifyingKey {
    const parsed = publicJwk.safeParse(jwk);
    if (!parsed.success) throw new WritError('key_invalid', 'The key is not a plain Ed25519 or P-256 JWK.');
    if (parsed.data.kty === 'OKP') refuseWeak(parsed.data.x);
    return new VerifyingKey(parsed.data);
  }

  verify(input: Uint8Array, signature: Uint8Array): boolean {
    if (this.alg === 'Ed25519') return verify(null, input, this.#key, signature);
    return verify('sha256', input, { key: this.#key, dsaEncoding: 'ieee-p1363' }, signature);
  }

  /** The one protected header that a message of this type under this key has, encoded. */
  header(typ: string): string {
    const known = this.#headers.get(typ);
    if (known !== undefined) return known;
    const made = encodeBase64url(JSON.stringify({ alg: this.alg, kid: this.kid, typ }));
    this.#headers.set(typ, made);
    return made;
  }
}

/** A private key. It shows itself to no log: only `toPrivateJwk` gives the secret away. */
export class SigningKey {
  readonly #key: KeyObject;

  private constructor(
    key: KeyObject,
    readonly verifying: VerifyingKey,
  ) {
    this.#key = key;
  }

  static generate(alg: KeyAlgorithm = 'Ed25519'): SigningKey {
    const { privateKey } =
      alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
    return SigningKey.fromJwk(privateKey.export({ format: 'jwk' }));
  }

  /** @throws WritError `key_invalid`, also when the public half does not belong to the private one. */
  static fromJwk(jwk: unknown): SigningKey {
    const parsed = privateJwk.safeParse(jwk);
    if (!parsed.success) throw new WritError('key_invalid', 'The key is not a plain private Ed25519 or P-256 JWK.');
    const key = imported(() => createPrivateKey({ key: parsed.data, format: 'jwk' }));
    const made = new SigningKey(key, VerifyingKey.fromJwk(publicHalf(parsed.data)));
    if (made.verifying.verify(probe, made.sign(probe))) return made;
    throw new WritError('key_invalid', 'The public half is not that of the private key.');
  }

  get kid(): string {
    return this.verifying.kid;
  }

  get alg(): KeyAlgorithm {
    return this.verifying.alg;
  }

  get publicJwk(): PublicJwk {
    return this.verifying.jwk;
  }

  sign(input: Uint8Array): Buffer {
    if (this.alg === 'Ed25519') return sign(null, input, this.#key);
    return sign('sha256', input, { key: this.#key, dsaEncoding: 'ieee-p1363' });
  }

  /** For the key file (mode 0600) and nothing else. */
  toPrivateJwk(): PrivateJwk {
    return privateJwk.parse(this.#key.export({ format: 'jwk' }));
  }
}

function publicHalf(jwk: PrivateJwk): PublicJwk {
  const { kty, crv, x } = jwk;
  return kty === 'EC' ? { kty, crv, x, y: jwk.y } : { kty, crv, x };
}

function imported(load: () => KeyObject): KeyObject {
  try {
    return load();
  } catch (cause) {
    throw new WritError('key_invalid', 'The key is not a point of its curve.', { cause });
  }
}

function refuseWeak(x: string): void {
  const bytes = decodeBase64url(x);
  if (!bytes || lowOrderOrUnreduced(bytes)) throw new WritError('key_invalid', 'The key is a low-order point.');
}
