// Pairing: each side proves that it knows the invite's secret, bound to both roots, without sending it.
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { openJws, type OpenedJws } from './jws.js';
import { VerifyingKey } from './keys.js';
import { RefusedError } from './refused.js';

export type PairingRole = 'spoke' | 'hub';

/** What both MACs are made over; all base64url as in the invite and the request. `nonce` is that of the request, in both. */
export interface PairingParts {
  readonly secret: string;
  readonly invite: string;
  readonly hub: string;
  readonly spoke: string;
  readonly nonce: string;
}

const raw = (text: string) => Buffer.from(text, 'base64url');

/**
 * HMAC-SHA256(key, role ‖ 0x00 ‖ invite id (16) ‖ hub thumbprint (32) ‖ spoke thumbprint (32) ‖ nonce (16)), base64url,
 * with key = HKDF-SHA256(secret, no salt, info `writ-pair-1`, 32 bytes) (RFC 5869).
 */
export function pairingMac(role: PairingRole, parts: PairingParts): string {
  const key = Buffer.from(hkdfSync('sha256', raw(parts.secret), Buffer.alloc(0), 'writ-pair-1', 32));
  const bound = [parts.invite, parts.hub, parts.spoke, parts.nonce].map(raw);
  return createHmac('sha256', key)
    .update(Buffer.concat([Buffer.from(`${role}\0`), ...bound]))
    .digest('base64url');
}

/** Compares in constant time. */
export function pairingMacMatches(mac: string, role: PairingRole, parts: PairingParts): boolean {
  const given = raw(mac);
  const wanted = raw(pairingMac(role, parts));
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/**
 * Opens a pairing message under the Ed25519 root that it carries itself (`root`, whose thumbprint is `kid`).
 * That alone proves nothing about who sent it: the MAC and the pinned thumbprint do.
 * @throws RefusedError
 */
export function openPairing<T extends 'writ-pair-req+jws' | 'writ-pair-res+jws'>(token: unknown, typ: T): OpenedJws<T> {
  return openJws(token, typ, (_kid, unverified) => carriedRoot(unverified()));
}

function carriedRoot(payload: unknown): VerifyingKey {
  try {
    const key = VerifyingKey.fromJwk((payload as { root?: unknown } | null)?.root);
    if (key.alg === 'Ed25519') return key;
  } catch {
    // Falls through: a root that cannot be trusted is refused like every other fault.
  }
  throw new RefusedError('the message does not carry an Ed25519 root');
}
