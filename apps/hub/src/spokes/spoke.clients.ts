// The hub's Nest clients, one for each spoke, and the two ways to use them: a question, or a command of the outbox. A question
// to a spoke whose link another process of this hub has goes through that one.
import { firstValueFrom } from 'rxjs';
import { WritError, type OperationArgs, type OperationBody, type OperationName } from '#protocol';
import {
  jointState,
  WritClient,
  WritRecord,
  type LinkBoard,
  type Peer,
  type Peers,
  type RequestOptions,
} from '#federation';
import type { Calls } from '#api';

/** What a process asks the one that has the link. */
export interface AskedQuestion {
  readonly connectionId: string;
  readonly op: OperationName;
  readonly args: OperationArgs<OperationName>;
  readonly timeoutMs: number;
}

export const questionCall = 'spoke.question';
/** How long another process may take when the caller names no time. */
const questionMs = 10_000;

type AskOptions = Pick<RequestOptions, 'idk' | 'timeoutMs' | 'signal' | 'late'>;

export class SpokeClients {
  private readonly clients = new Map<string, WritClient>();
  /** Who waits for a spoke to be there, by connection. */
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(
    private readonly peers: Peers,
    private readonly board: LinkBoard,
    private readonly calls: Pick<Calls, 'ask'>,
  ) {
    peers.changes.subscribe(({ peer }) => this.seen(peer));
  }

  /** The body of the spoke's signed answer. @throws WritError what the spoke refused with, `timed_out`, `peer_unavailable` */
  question<O extends OperationName>(
    connectionId: string,
    op: O,
    args: OperationArgs<O>,
    options: Pick<AskOptions, 'timeoutMs' | 'signal'>,
  ): Promise<OperationBody<O>> {
    const link = this.isHere(connectionId) ? undefined : this.board.elsewhere(connectionId);
    if (!link) return this.ask(connectionId, op, args, options);
    const { timeoutMs = questionMs, signal } = options;
    const question: AskedQuestion = { connectionId, op, args, timeoutMs };
    return this.calls.ask(link.replica, questionCall, question, { timeoutMs, signal });
  }

  /** Over a link of this process. @throws as `question` */
  async ask<O extends OperationName>(
    connectionId: string,
    op: O,
    args: OperationArgs<O>,
    options: AskOptions,
  ): Promise<OperationBody<O>> {
    const record = new WritRecord(args, options);
    return firstValueFrom(this.client(connectionId).send<OperationBody<O>>(op, record));
  }

  /** Whether any process of this hub has a link to it. */
  isReady(connectionId: string): boolean {
    return this.board.isAnywhere(connectionId);
  }

  /** Whether this process has one. */
  isHere(connectionId: string): boolean {
    return this.board.isHere(connectionId);
  }

  /** Resolves when this process has a link, when the connection is closed, or with the signal. */
  async ready(connectionId: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.isHere(connectionId) || isClosed(this.peers.peer(connectionId))) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    const waiting = this.waiting.get(connectionId) ?? new Set();
    this.waiting.set(connectionId, waiting.add(wake));
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    signal.removeEventListener('abort', wake);
    waiting.delete(wake);
  }

  private seen(peer: Peer): void {
    if (peer.state === 'ready' || isClosed(peer)) for (const wake of this.waiting.get(peer.id) ?? []) wake();
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

function isClosed(peer: Peer | undefined): boolean {
  return peer !== undefined && jointState(peer.connection) === 'closed';
}
