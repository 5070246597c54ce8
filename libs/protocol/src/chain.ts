// The event chain: c(0) = SHA-256(con ‖ epo), c(n) = SHA-256(c(n-1) ‖ SHA-256(event n)). Regrouping and signing anew never change it.
import { createHash } from 'node:crypto';

function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** c(0) over the two ids as they are written (22 ASCII characters each), base64url. */
export function chainStart(con: string, epo: string): string {
  return sha256(con, epo).toString('base64url');
}

/** c(n) from c(n-1), base64url, and the JSON string of event n exactly as journaled (hashed as UTF-8). */
export function chainNext(previous: string, event: string): string {
  return sha256(Buffer.from(previous, 'base64url'), sha256(event)).toString('base64url');
}

/** c after all these events, in order. */
export function chainOver(previous: string, events: readonly string[]): string {
  return events.reduce(chainNext, previous);
}
