// A signer without scruples: signs whatever header and payload a test hands it, so that only the receiver can refuse.
import type { SigningKey } from '#protocol';

/** A compact JWS over the exact bytes given, under a signature that holds. */
export function rawJws(header: string, payload: string | Uint8Array, key: SigningKey): string {
  const input = [header, payload].map((part) => Buffer.from(part as string).toString('base64url')).join('.');
  return `${input}.${key.sign(Buffer.from(input)).toString('base64url')}`;
}

/** The header that Writ asks for, as text. */
export function writHeader(key: SigningKey, typ: string): string {
  return `{"alg":"${key.alg}","kid":"${key.kid}","typ":"${typ}"}`;
}
