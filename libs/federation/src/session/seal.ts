// Seals what this instance says on one connection.
import { newNonce, signingInputHashOf, signJws } from '#protocol';
import type { MessageRef, MessageType } from '#protocol';
import type { Identity } from '../identity/identity.js';

/** A message ready to be sent, and the reference by which the other side answers it. */
export interface Sealed {
  readonly raw: string;
  readonly jti: string;
}

export class Seal {
  constructor(
    private readonly identity: Identity,
    private readonly audience: string,
    private readonly connectionId: string,
    private readonly now: () => number,
  ) {}

  /** Adds the envelope and signs. @throws WritError `too_large`, `schema` for what no receiver would take. */
  message(typ: MessageType, claims: object, lifetimeS?: number): Sealed {
    const [jti, iat] = [newNonce(), Math.floor(this.now() / 1_000)];
    const { id: iss, signing } = this.identity;
    const times = lifetimeS === undefined ? { iat } : { iat, exp: iat + lifetimeS };
    const envelope = { v: 1, iss, aud: this.audience, con: this.connectionId, jti, ...times };
    return { raw: signJws(typ, { ...envelope, ...claims }, signing), jti };
  }
}

/** The reference of a message that we sealed. */
export function refOf({ raw, jti }: Sealed): MessageRef {
  return { jti, h: signingInputHashOf(raw) };
}
