// Where the standing of a connection's audit checkpoints is kept: forgotten together with the connection.
import type { Key } from '#store';

export function standingOf(connectionId: string): Key {
  return ['federation', 'audit', connectionId];
}
