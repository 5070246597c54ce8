// Commands on their way: remembered, sent when the peer is there, sent again under the same idempotency key, and followed to an end.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { problemOf, WritError, type Actor, type AgentEvent, type OperationName } from '#protocol';
import type { Key } from '#store';
import type { CommandRecord } from './command.js';
import { isSettled } from './command.js';
import { idkTtlMs, type Outbox } from './outbox.js';

export interface Order {
  readonly op: OperationName;
  readonly connectionId: string;
  readonly spoke: string;
  readonly args: unknown;
  readonly actor: Actor;
  readonly idk?: string;
  readonly agentId?: string;
  /** How long the hub goes on trying, in milliseconds. */
  readonly ttlMs: number;
  /** Keys of the store that must not exist when the order is committed: the latches that forbid it. */
  readonly unless?: readonly Key[];
}

type End = Pick<CommandRecord, 'state' | 'body' | 'problem'>;

/** What a peer answered: `st` and `body` of the signed result. */
export interface Answer {
  readonly st: 'ok' | 'denied' | 'error';
  readonly code?: string;
  readonly body: unknown;
}

/**
 * Sends one command and waits for its signed answer; `null` when it is not known whether it arrived (a cut, a restart).
 * Waits for the peer to be there. @throws WritError `connection_closed` when it never will be.
 */
export abstract class CommandCarrier {
  abstract carry(command: CommandRecord, signal: AbortSignal): Promise<Answer | null>;
}

/** Between two tries of one command, in milliseconds: from the first to the last, doubling. */
const againMs = { first: 200, last: 10_000 };

/** 128 bits: 48 of time in milliseconds, 80 random. */
function newCommandId(nowMs: number): string {
  const id = randomBytes(16);
  id.writeUIntBE(nowMs, 0, 6);
  return id.toString('base64url');
}

export class CommandsService {
  private readonly running = new Map<
    string,
    { readonly command: CommandRecord; readonly end: Promise<CommandRecord> }
  >();
  /** What the journal told of commands that are still on their way: counts when no answer comes. */
  private readonly confirmed = new Map<string, End>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly outbox: Outbox,
    private readonly carrier: CommandCarrier,
    private readonly now: () => number = Date.now,
  ) {}

  /** Takes up what an earlier run left open. */
  async resume(): Promise<void> {
    for (const command of await this.outbox.open()) void this.drive(command);
  }

  /** Commits the order, sends it, and waits up to `waitMs` for its end. */
  async execute(order: Order, waitMs: number): Promise<CommandRecord> {
    const { ttlMs, idk, unless, ...rest } = order;
    const createdAtMs = this.now();
    const commandId = newCommandId(createdAtMs);
    const fresh = {
      ...rest,
      commandId,
      idk: idk ?? commandId,
      state: 'pending',
      createdAtMs,
      deadlineMs: createdAtMs + ttlMs,
    } as const;
    const command = await this.outbox.add(fresh, unless);
    return isSettled(command) ? command : this.wait(command, waitMs);
  }

  async get(commandId: string): Promise<CommandRecord> {
    const command = await this.outbox.get(commandId);
    if (command === null) throw new WritError('not_found', `There is no command ${commandId}.`);
    return command;
  }

  list(limit: number, after?: string): Promise<readonly CommandRecord[]> {
    return this.outbox.page(limit, after);
  }

  destination(agentId: string): Promise<string | undefined> {
    return this.outbox.destination(agentId);
  }

  /** Commands of that operation that wait for an answer now. */
  underWay(op: OperationName, connectionId: string): readonly CommandRecord[] {
    const commands = [...this.running.values()].map(({ command }) => command);
    return commands.filter((command) => command.op === op && command.connectionId === connectionId);
  }

  /** The journal told of an effect: a command that nobody answered in time was carried out all the same. */
  readonly heard = (connectionId: string, event: AgentEvent): void => {
    const done = effectOf(event);
    if (!done || Date.parse(event.time) < this.now() - idkTtlMs) return;
    this.confirm(connectionId, done).catch(() => undefined);
  };

  private async confirm(connectionId: string, { op, idk, body }: Effect): Promise<void> {
    const command = await this.outbox.byIdk(connectionId, idk);
    if (!command || isSettled(command) || command.op !== op) return;
    const end: End = { state: 'delivered', body, problem: undefined };
    if (this.running.has(command.commandId)) this.confirmed.set(command.commandId, end);
    else await this.outbox.settle(command.commandId, { settledAtMs: this.now(), ...end });
  }

  /** Stops sending; what is open stays open for the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled([...this.running.values()].map(({ end }) => end));
  }

  private async wait(command: CommandRecord, waitMs: number): Promise<CommandRecord> {
    const { promise, resolve } = Promise.withResolvers<CommandRecord>();
    const timer = setTimeout(resolve, waitMs, command);
    try {
      return await Promise.race([this.drive(command), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  private drive(command: CommandRecord): Promise<CommandRecord> {
    const running = this.running.get(command.commandId);
    if (running) return running.end;
    const end = this.carryOut(command).finally(() => this.forget(command));
    end.catch(() => undefined);
    this.running.set(command.commandId, { command, end });
    return end;
  }

  private forget({ commandId }: CommandRecord): void {
    this.running.delete(commandId);
    this.confirmed.delete(commandId);
  }

  private async carryOut(command: CommandRecord): Promise<CommandRecord> {
    const deadline = AbortSignal.timeout(Math.max(1, command.deadlineMs - this.now()));
    const signal = AbortSignal.any([deadline, this.stopping.signal]);
    const end = (await this.tryUntil(command, signal)) ?? this.confirmed.get(command.commandId) ?? null;
    if (end === null && this.stopping.signal.aborted) return command;
    return this.outbox.settle(command.commandId, { settledAtMs: this.now(), ...(end ?? timedOut(command)) });
  }

  private async tryUntil(command: CommandRecord, signal: AbortSignal): Promise<End | null> {
    try {
      for (let restMs = againMs.first; !signal.aborted; restMs = Math.min(2 * restMs, againMs.last)) {
        const answer = await this.carrier.carry(command, signal);
        if (answer !== null) return endOf(answer);
        await sleep(restMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false });
      }
      return null;
    } catch (error) {
      return signal.aborted ? null : { state: 'failed', problem: problemOf(error) };
    }
  }
}

interface Effect {
  readonly op: OperationName;
  readonly idk: string;
  readonly body: unknown;
}

/** What the journal says was carried out under which key, and what its answer says. A session's first turn is its spawn. */
function effectOf({ type, subject: agentId, time, data }: AgentEvent): Effect | undefined {
  if (type === 'agent.spawned' && data.idk !== undefined)
    return { op: 'agent.spawn', idk: data.idk, body: { agentId, state: 'spawning', spawnedAt: time } };
  if (type === 'agent.turn' && data.idk !== undefined)
    return { op: 'agent.send', idk: data.idk, body: { agentId, turnId: data.turnId, turn: data.turn } };
  if (type === 'agent.restored' && data.idk !== undefined) {
    const { turnId, turn, to, left } = data;
    return { op: 'agent.restore', idk: data.idk, body: { agentId, turnId, turn, to, left } };
  }
  return undefined;
}

function endOf({ st, body }: Answer): End {
  return st === 'ok' ? { state: 'delivered', body } : { state: 'failed', problem: body as CommandRecord['problem'] };
}

function timedOut({ op, spoke }: CommandRecord): End {
  const error = new WritError(
    'timed_out',
    `${spoke} did not answer ${op} in time; it may have been carried out all the same.`,
  );
  return { state: 'timed_out', body: undefined, problem: problemOf(error) };
}
