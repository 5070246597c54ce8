// What the processes of one hub have in common when they stand on one store: who is there, whose link is whose, and how one asks
// another. A hub on a store of its own has all of it too, and is alone.
import { Calls } from '#api';
import { LinkBoard, type Peers } from '#federation';
import { WritError } from '#protocol';
import { Replicas, type Store } from '#store';
import type { CommandsService } from './commands/commands.service.js';
import { ReplicaSharing } from './commands/sharing.js';
import type { HubConfig } from './config.js';
import { questionCall, SpokeClients, type AskedQuestion } from './spokes/spoke.clients.js';

type Failed = (error: unknown) => void;

export class Shared {
  readonly sharing: ReplicaSharing;
  readonly clients: SpokeClients;
  private readonly calls: Calls;

  constructor(
    private readonly replicas: Replicas,
    readonly board: LinkBoard,
    store: Store,
    peers: Peers,
    failed: Failed,
  ) {
    this.calls = new Calls(store, replicas, (name, args) => this.answer(name, args), failed);
    this.clients = new SpokeClients(peers, board, this.calls);
    this.sharing = new ReplicaSharing(replicas, board);
  }

  /** Commands hear of what the other processes do. */
  listen(commands: CommandsService, failed: Failed): void {
    this.sharing.listen({
      wanted: (id) => void commands.wanted(id).catch(failed),
      settled: (id) => commands.settledElsewhere(id),
      moved: (id) => void commands.moved(id).catch(failed),
      gone: () => void commands.resume().catch(failed),
    });
  }

  /** Knows who is there and what they have when it resolves. */
  async begin(): Promise<void> {
    await this.calls.begin();
    await this.replicas.begin();
    await this.board.begin();
  }

  /** Before the links end: the others take over what was carried here. */
  async leave(): Promise<void> {
    await this.board.end();
    await this.replicas.end();
  }

  end(): Promise<void> {
    return this.calls.end();
  }

  private answer(name: string, args: unknown): Promise<unknown> {
    if (name !== questionCall)
      return Promise.reject(new WritError('operation_unknown', `This replica does not know ${name}.`));
    const { connectionId, op, args: asked, timeoutMs } = args as AskedQuestion;
    if (!this.board.isHere(connectionId))
      return Promise.reject(new WritError('peer_unavailable', 'The spoke is not connected now.'));
    return this.clients.ask(connectionId, op, asked, { timeoutMs });
  }
}

export function openShared(config: HubConfig, store: Store, peers: Peers, failed: Failed): Shared {
  const replicas = new Replicas(store, { shared: config.store !== undefined, failed });
  return new Shared(replicas, new LinkBoard(store, replicas, peers, failed), store, peers, failed);
}
