// The agents of a spoke that runs as several processes on one store. Records, lists, kills and questions are in the store and the
// same from everywhere; what only the process can do that runs the agent, or has its files, is asked of that one.
import { setTimeout as sleep } from 'node:timers/promises';
import { WritError } from '#protocol';
import { Agents, type BundleFile, type CloseRequest, type LocalAgents, type OutputChunk } from '#agents';
import type { RestoreRequest, SendRequest } from '#agents';
import type { Calls } from '#api';
import type { Replicas } from '#store';
import { bundleThere, pieceOf, type SharedPiece } from './shared.bundle.js';

/** What one process asks of another, by name; the first argument of each is what it is about. */
type Asked = 'send' | 'closeSession' | 'restore' | 'checkpoints' | 'diff' | 'output' | 'bundle';

const names: readonly string[] = ['send', 'closeSession', 'restore', 'checkpoints', 'diff', 'output'] satisfies Asked[];

/** A close waits for the end of the agent, a restore for its files; the hub has long stopped waiting by then. */
const askMs = 120_000;
/** A file is read at once, or that process has other troubles. */
const readMs = 5_000;
const lookMs = 1_000;

export class SharedAgents extends Agents {
  constructor(
    private readonly local: LocalAgents,
    private readonly replicas: Pick<Replicas, 'id' | 'others' | 'isAlive'>,
    private readonly calls: Pick<Calls, 'ask'>,
  ) {
    super();
  }

  send(request: SendRequest) {
    return this.where(request.agentId, () => this.local.send(request), 'send', [request]);
  }

  closeSession(request: CloseRequest) {
    return this.where(request.agentId, () => this.local.closeSession(request), 'closeSession', [request]);
  }

  restore(request: RestoreRequest) {
    return this.where(request.agentId, () => this.local.restore(request), 'restore', [request]);
  }

  checkpoints(agentId: string, owner?: string) {
    return this.where(agentId, () => this.local.checkpoints(agentId, owner), 'checkpoints', [agentId, owner]);
  }

  /** Of an agent that has ended the repository is where it ran: nobody remembers where that was, so each is asked. */
  async diff(agentId: string, owner?: string) {
    const args = [agentId, owner] as const;
    const found = await this.where(agentId, () => this.local.diff(...args), 'diff', args);
    return found.text === '' ? this.anywhere(found, 'diff', args, ({ text }) => text !== '') : found;
  }

  /** The same for its branch, which is asked for piece by piece. @throws WritError `not_found` when nobody has it */
  async bundle(agentId: string, owner?: string): Promise<BundleFile> {
    if (await this.isLocal(agentId)) {
      const here = await this.local.bundle(agentId, owner).catch(unlessAbsent);
      if (here) return here;
    }
    for (const replica of this.replicas.others) {
      const ask = (offset: number, bytesMax: number) =>
        this.calls.ask<SharedPiece>(replica, 'bundle', [agentId, offset, bytesMax, owner], { timeoutMs: askMs });
      const facts = await ask(0, 1).catch(unlessAbsent);
      if (facts) return bundleThere(facts, ask);
    }
    throw new WritError('not_found', `Agent ${agentId} left no commits, or what it left is where nobody answers now.`);
  }

  /** The same for output. What was written where nobody is any more counts as dropped. */
  async output(agentId: string, offset: number, bytesMax: number, owner?: string): Promise<OutputChunk> {
    const args = [agentId, offset, bytesMax, owner] as const;
    const found = await this.where(agentId, () => this.local.output(...args), 'output', args);
    if (found.text !== '' || offset >= (await this.local.get(agentId, owner)).outputBytes) return found;
    return this.anywhere(found, 'output', args, ({ text }) => text !== '');
  }

  async *follow(agentId: string, offset: number, signal: AbortSignal, owner?: string): AsyncGenerator<OutputChunk> {
    if (await this.isLocal(agentId)) {
      yield* this.local.follow(agentId, offset, signal, owner);
      return;
    }
    for (let next = offset; !signal.aborted;) {
      const found = await this.output(agentId, next, 262_144, owner);
      next = found.next;
      if (found.text !== '' || found.end) yield found;
      if (found.end) return;
      if (found.text === '') await sleep(lookMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Answers another process. @throws WritError as the part of `Agents` of that name */
  async answerCall(name: string, args: unknown): Promise<unknown> {
    const given = (args as unknown[]).map((one) => one ?? undefined);
    if (name === 'bundle') return this.piece(...(given as [string, number, number, string | undefined]));
    const parts = this.local as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
    if (names.includes(name)) return parts[name]?.(...given);
    throw new WritError('operation_unknown', `This replica does not know ${name}.`);
  }

  private async piece(agentId: string, offset: number, bytesMax: number, owner?: string): Promise<SharedPiece> {
    return pieceOf(await this.local.bundle(agentId, owner), offset, bytesMax);
  }

  spawn(...args: Parameters<Agents['spawn']>) {
    return this.local.spawn(...args);
  }

  get(...args: Parameters<Agents['get']>) {
    return this.local.get(...args);
  }

  list(...args: Parameters<Agents['list']>) {
    return this.local.list(...args);
  }

  kill(...args: Parameters<Agents['kill']>) {
    return this.local.kill(...args);
  }

  killAll(...args: Parameters<Agents['killAll']>) {
    return this.local.killAll(...args);
  }

  ownerLost(...args: Parameters<Agents['ownerLost']>) {
    return this.local.ownerLost(...args);
  }

  reset(...args: Parameters<Agents['reset']>) {
    return this.local.reset(...args);
  }

  latches(...args: Parameters<Agents['latches']>) {
    return this.local.latches(...args);
  }

  questions(...args: Parameters<Agents['questions']>) {
    return this.local.questions(...args);
  }

  answer(...args: Parameters<Agents['answer']>) {
    return this.local.answer(...args);
  }

  counts(...args: Parameters<Agents['counts']>) {
    return this.local.counts(...args);
  }

  live(...args: Parameters<Agents['live']>) {
    return this.local.live(...args);
  }

  free(...args: Parameters<Agents['free']>) {
    return this.local.free(...args);
  }

  usage(...args: Parameters<Agents['usage']>) {
    return this.local.usage(...args);
  }

  private async isLocal(agentId: string): Promise<boolean> {
    const holder = await this.local.holderOf(agentId);
    return holder === undefined || holder === this.replicas.id;
  }

  /** @throws WritError `peer_unavailable` while the one that ran it is gone and nobody has looked after the agent yet */
  private async where<T>(agentId: string, here: () => Promise<T>, name: Asked, args: readonly unknown[]): Promise<T> {
    const holder = await this.local.holderOf(agentId);
    if (holder === undefined || holder === this.replicas.id) return here();
    if (this.replicas.isAlive(holder)) return this.calls.ask<T>(holder, name, args, { timeoutMs: askMs });
    throw new WritError('peer_unavailable', 'The replica that ran this agent is gone; another looks after it shortly.');
  }

  private async anywhere<T>(own: T, name: Asked, args: readonly unknown[], isIt: (found: T) => boolean): Promise<T> {
    for (const replica of this.replicas.others) {
      const found = await this.calls.ask<T>(replica, name, args, { timeoutMs: readMs }).catch(() => own);
      if (isIt(found)) return found;
    }
    return own;
  }
}

/** It is not here: that says nothing of the others. */
function unlessAbsent(error: unknown): undefined {
  if (error instanceof WritError && error.code === 'not_found') return;
  throw error;
}
