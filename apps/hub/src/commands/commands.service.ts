// Commands on their way: remembered, sent when the peer is there, sent again under the same idempotency key, and followed to an end.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { problemOf, WritError, type Actor, type AgentEvent, type OperationName } from '#protocol';
import type { Key } from '#store';
import type { Answer, CommandCarrier } from './carrier.js';
import { isSettled, type CommandRecord, type End } from './command.js';
import { Departures } from './departures.js';
import { effectOf, endOf, killedFirst, overdue, type Effect } from './ends.js';
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

interface Running {
  readonly command: CommandRecord;
  readonly end: Promise<CommandRecord>;
  /** It has its end: nobody needs to try any more. */
  readonly over: AbortController;
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
  private readonly running = new Map<string, Running>();
  /** What the journal told of commands that are still on their way: counts when no answer comes. */
  private readonly confirmed = new Map<string, End>();
  private readonly stopping = new AbortController();
  private readonly departures: Departures;

  constructor(
    private readonly outbox: Outbox,
    private readonly carrier: CommandCarrier,
    private readonly now: () => number = Date.now,
  ) {
    this.departures = new Departures(outbox, carrier);
  }

  /** Takes up what an earlier run left open. */
  async resume(): Promise<void> {
    for (const command of await this.outbox.open()) void this.drive(command);
  }

  /**
   * Commits the order, sends it, and waits up to `waitMs` for its end. An order under the key of one that timed out is that
   * one, tried until the new deadline. A kill ends the spawns that it means and that were never sent.
   */
  async execute(order: Order, waitMs: number): Promise<CommandRecord> {
    const fresh = this.fresh(order);
    const stands = await this.outbox.add(fresh, order.unless);
    const command =
      stands.state === 'timed_out' ? await this.outbox.reopen(stands.commandId, fresh.deadlineMs) : stands;
    await this.supersede(command);
    return isSettled(command) ? command : this.wait(command, waitMs);
  }

  private fresh({ op, connectionId, spoke, args, actor, idk, agentId, ttlMs }: Order): CommandRecord {
    const createdAtMs = this.now();
    const commandId = newCommandId(createdAtMs);
    const times = { createdAtMs, deadlineMs: createdAtMs + ttlMs };
    const held = this.carrier.isReady(connectionId) ? {} : ({ held: true } as const);
    const what = { op, connectionId, spoke, args, actor, ...(agentId === undefined ? {} : { agentId }) };
    return { ...what, commandId, idk: idk ?? commandId, state: 'pending', ...times, ...held };
  }

  /** The kill goes out all the same: the spoke then knows that this agent shall never be. */
  private async supersede({ op, connectionId, agentId }: CommandRecord): Promise<void> {
    if (op !== 'agent.kill' && op !== 'agents.kill') return;
    const meant = this.underWay('agent.spawn', connectionId).filter(
      (spawn) => op === 'agents.kill' || spawn.agentId === agentId,
    );
    await Promise.all(meant.map((spawn) => this.withdraw(spawn)));
  }

  private async withdraw({ commandId }: CommandRecord): Promise<void> {
    const { state } = await this.outbox.withdraw(commandId, { settledAtMs: this.now(), ...killedFirst() });
    if (state !== 'pending') this.running.get(commandId)?.over.abort();
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
    const end: End = { state: 'delivered', body };
    if (this.running.has(command.commandId)) this.confirmed.set(command.commandId, end);
    else await this.settled(command, end);
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
    const over = new AbortController();
    const end = this.carryOut(command, over.signal).finally(() => this.forget(command));
    end.catch(() => undefined);
    this.running.set(command.commandId, { command, end, over });
    return end;
  }

  private forget({ commandId }: CommandRecord): void {
    this.running.delete(commandId);
    this.confirmed.delete(commandId);
  }

  private async carryOut(command: CommandRecord, over: AbortSignal): Promise<CommandRecord> {
    const deadline = AbortSignal.timeout(Math.max(1, command.deadlineMs - this.now()));
    const signal = AbortSignal.any([deadline, over, this.stopping.signal]);
    const end = (await this.tryUntil(command, signal)) ?? this.confirmed.get(command.commandId) ?? null;
    if (end === null && this.stopping.signal.aborted) return command;
    return this.settled(command, end ?? overdue);
  }

  private async tryUntil(command: CommandRecord, signal: AbortSignal): Promise<End | null> {
    const late = (answer: Answer): void => void this.settled(command, endOf(answer)).catch(() => undefined);
    try {
      const stands = await this.departures.leave(command, signal);
      if (stands.state !== 'pending') return stands;
      for (let restMs = againMs.first; !signal.aborted; restMs = Math.min(2 * restMs, againMs.last)) {
        const answer = await this.carrier.carry(command, signal, late);
        if (answer !== null) return endOf(answer);
        await sleep(restMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false });
      }
      return null;
    } catch (error) {
      return signal.aborted ? null : { state: 'failed', problem: problemOf(error) };
    }
  }

  private settled({ commandId }: CommandRecord, end: End | ((command: CommandRecord) => End)): Promise<CommandRecord> {
    const settledAtMs = this.now();
    const whole = (command: CommandRecord): End => ({
      settledAtMs,
      body: undefined,
      problem: undefined,
      ...(typeof end === 'function' ? end(command) : end),
    });
    return this.outbox.settle(commandId, whole);
  }
}
