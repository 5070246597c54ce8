// What this instance signs for anybody to verify with its published keys: a JWS (RFC 7515) whose payload travels beside it.
import type { AgentCard } from '@a2a-js/sdk';

/** The key that signs now. */
export interface InstanceKey {
  readonly alg: string;
  readonly kid: string;
  /** Where the public half is. */
  readonly jku: string;
  readonly sign: (input: Uint8Array) => Uint8Array;
}

export interface Detached {
  readonly protected: string;
  readonly signature: string;
}

const encoded = (text: string) => Buffer.from(text).toString('base64url');

export function detached(payload: string, { alg, kid, jku, sign }: InstanceKey): Detached {
  const head = encoded(JSON.stringify({ alg, typ: 'JOSE', kid, jku }));
  const signature = Buffer.from(sign(Buffer.from(`${head}.${encoded(payload)}`))).toString('base64url');
  return { protected: head, signature };
}

/** Over the canonical form (RFC 8785), as A2A 1.0 has it in 8.4. The SDK is loaded with the first card: most instances are never asked for one. */
export async function signed(card: object, key: InstanceKey): Promise<object> {
  const { canonicalizeAgentCard } = await import('@a2a-js/sdk');
  return { ...card, signatures: [detached(canonicalizeAgentCard(card as AgentCard), key)] };
}
