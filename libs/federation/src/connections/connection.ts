// A connection: what two instances agreed on at pairing, with each side's half of its state.
import type { JWK } from 'jose';

/**
 * Each side owns its half; the connection is active only when both are.
 *
 *   pending ──accept──▶ active ◀──resume── suspended
 *      │                  └────suspend────────▲ │
 *      └──────────close──────▶ closed ◀─────────┘     (final)
 */
export interface HalfState {
  readonly state: 'pending' | 'active' | 'suspended' | 'closed';
  /** What a close does to the agents of this connection. */
  readonly agents?: 'keep' | 'kill';
  /** Grows with every change: an older half never replaces a newer one. */
  readonly counter: number;
}

/**
 * How the two reach each other. A spoke of kind `outbound` dials and opens no port; `direct` is dialled by the hub; over a
 * `broker` both dial out to it, each to the one of its own settings.
 */
export type LinkSetting =
  | { readonly kind: 'outbound'; readonly url: string }
  | { readonly kind: 'direct'; readonly url: string }
  | { readonly kind: 'broker' };

export interface PeerIdentity {
  /** Thumbprint of the pinned root key. */
  readonly id: string;
  readonly name: string;
  readonly rootJwk: JWK;
}

/** `we` says which side this instance is. `theirs` is what the last hello said. */
export interface Connection {
  readonly id: string;
  readonly we: 'hub' | 'spoke';
  readonly peer: PeerIdentity;
  readonly link: LinkSetting;
  readonly ours: HalfState;
  readonly theirs: HalfState;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

/** The state that both halves make. */
export function jointState(connection: Pick<Connection, 'ours' | 'theirs'>): HalfState['state'] {
  const halves = [connection.ours.state, connection.theirs.state];
  const worst = (['closed', 'suspended', 'pending'] as const).find((state) => halves.includes(state));
  return worst ?? 'active';
}
