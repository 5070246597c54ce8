// The hub's Nest clients, one for each spoke, and the two ways to use them: a question, or a command of the outbox.
import { firstValueFrom } from 'rxjs';
import { WritError, type OperationArgs, type OperationBody, type OperationName } from '#protocol';
import { WritClient, WritRecord, type Peers } from '#federation';

export interface AskOptions {
  readonly timeoutMs: number;
  readonly idk?: string;
  readonly signal?: AbortSignal;
}

export class SpokeClients {
  private readonly clients = new Map<string, WritClient>();

  constructor(private readonly peers: Peers) {}

  /** The body of the spoke's signed answer. @throws WritError what the spoke refused with, `timed_out`, `peer_unavailable` */
  async ask<O extends OperationName>(
    connectionId: string,
    op: O,
    args: OperationArgs<O>,
    options: AskOptions,
  ): Promise<OperationBody<O>> {
    const record = new WritRecord(args, options);
    return firstValueFrom(this.client(connectionId).send<OperationBody<O>>(op, record));
  }

  isReady(connectionId: string): boolean {
    return this.peers.peer(connectionId)?.state === 'ready';
  }

  private client(connectionId: string): WritClient {
    const known = this.clients.get(connectionId);
    if (known) return known;
    const peer = this.peers.peer(connectionId);
    if (!peer) throw new WritError('peer_unavailable', 'There is no such connection here.');
    const client = new WritClient(peer);
    this.clients.set(connectionId, client);
    return client;
  }
}
