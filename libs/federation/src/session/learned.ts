// What people are shown of a peer's key statement that they brought.
import type { KeyStatement, PeerKeysLearned } from '#protocol';
import type { Connection } from '../connections/connection.js';

export function learnedKeys({ peer }: Connection, { keys, claims }: KeyStatement): PeerKeysLearned {
  return {
    id: peer.id,
    name: peer.name,
    keys: keys.map(({ kid, alg }) => ({ kid, alg })),
    revoked: claims.revoked.map(({ kid, at }) => ({ kid, at: iso(at) })),
    expiresAt: iso(claims.exp),
  };
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
