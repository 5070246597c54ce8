// What several hubs on one store have to know of each other to carry commands: who lives, who has the link, and the news.
import type { LinkBoard } from '#federation';
import type { Append, Replicas } from '#store';

/** `wanted`: carried by nobody, for whoever has the link. `settled`: it has ended. */
type Told = 'wanted' | 'settled';

export interface Sharing {
  /** This process. */
  readonly id: string;
  readonly isShared: boolean;
  /** Whether a command for that connection is carried here: this process has the link, or none has one. */
  carries(connectionId: string): boolean;
  isAlive(id: string): boolean;
  /** To be committed with what is told; nothing where nobody listens. */
  tell(what: Told, commandId: string): readonly Append[];
}

/** A store of one process. */
export const alone: Sharing = {
  id: 'alone',
  isShared: false,
  carries: () => true,
  isAlive: () => false,
  tell: () => [],
};

export class ReplicaSharing implements Sharing {
  constructor(
    private readonly replicas: Replicas,
    private readonly board: LinkBoard,
  ) {}

  get id(): string {
    return this.replicas.id;
  }

  get isShared(): boolean {
    return this.replicas.isShared;
  }

  carries(connectionId: string): boolean {
    return this.board.isHere(connectionId) || this.board.elsewhere(connectionId) === undefined;
  }

  isAlive(id: string): boolean {
    return this.replicas.isAlive(id);
  }

  tell(what: Told, commandId: string): readonly Append[] {
    return this.isShared ? [this.replicas.news(newsOf[what], [commandId])] : [];
  }

  /** Calls back for each command that is told of, for links that move and for processes that go. */
  listen(to: {
    readonly wanted: (commandId: string) => void;
    readonly settled: (commandId: string) => void;
    readonly moved: (connectionId: string) => void;
    readonly gone: () => void;
  }): void {
    this.replicas.onNews(newsOf.wanted, ({ about }) => about.forEach(to.wanted));
    this.replicas.onNews(newsOf.settled, ({ about }) => about.forEach(to.settled));
    this.replicas.onGone(to.gone);
    this.board.moved = to.moved;
  }
}

const newsOf = { wanted: 'command wanted', settled: 'command settled' } as const;
