// What a message says about itself before anything is verified: good for choosing where it goes, for nothing else.
import { peekHeader } from '#protocol';
import type { PeekedHeader } from '#protocol';

/** Shape and header only; null for what cannot be a message of the protocol. */
export function hintOf(message: string): PeekedHeader | null {
  try {
    return peekHeader(message);
  } catch {
    return null;
  }
}

/** The connection that the payload names, unverified. */
export function connectionHint(message: string): string | null {
  const [, payload = ''] = message.split('.', 2);
  const text = Buffer.from(payload, 'base64url').toString('latin1');
  return /"con":"([A-Za-z0-9_-]{22})"/.exec(text)?.[1] ?? null;
}
