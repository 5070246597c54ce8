// The links over which hubs post to us: one for each direct connection, found by what a message says of itself.
import { connectionHint } from '../links/hint.js';
import { PostedLink } from '../links/posts.js';
import type { Route } from '../links/posts.js';
import type { Connection } from '../connections/connection.js';
import { Conversation } from './conversation.js';
import type { Lobby } from './conversation.js';
import type { Peer } from './peer.js';

export class PostedLines {
  readonly #links = new Map<string, PostedLink>();

  constructor(
    private readonly lobby: Lobby,
    private readonly peers: ReadonlyMap<string, Peer>,
  ) {}

  /** A hint chooses where a message goes, and nothing else. */
  readonly linkOf: Route = ({ typ, kid }, message, remote) => {
    const id = typ === 'writ-keys+jws' ? this.directTo(kid) : connectionHint(message);
    const peer = id === null ? undefined : this.peers.get(id);
    if (!peer || !isDirectSpoke(peer.connection)) return null;
    return this.#links.get(peer.id) ?? this.begin(peer, remote);
  };

  /** The connection over which that instance posts to us: one that is not closed comes first. */
  private directTo(instanceId: string): string | null {
    const all = [...this.peers.values()].map(({ connection }) => connection);
    const direct = all.filter((one) => isDirectSpoke(one) && one.peer.id === instanceId);
    const open = direct.find(({ ours, theirs }) => ours.state !== 'closed' && theirs.state !== 'closed');
    return (open ?? direct[0])?.id ?? null;
  }

  private begin(peer: Peer, remote: string): PostedLink {
    const link = new PostedLink(remote);
    this.#links.set(peer.id, link);
    void link.closed.then(() => this.#links.get(peer.id) === link && this.#links.delete(peer.id));
    Conversation.accept(link, this.lobby, peer.host.root);
    return link;
  }
}

function isDirectSpoke({ we, link }: Connection): boolean {
  return we === 'spoke' && link.kind === 'direct';
}
