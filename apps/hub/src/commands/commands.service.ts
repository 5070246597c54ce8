// Commands on their way: remembered, carried by the process that has the link, and followed to an end by whoever asked.
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { WritError, type Actor, type AgentEvent, type OperationName } from '#protocol';
import type { Key } from '#store';
import { traceparent } from '#tracing';
import type { CommandCarrier } from './carrier.js';
import { isOver, isSettled, type CommandRecord, type End } from './command.js';
import { Courier } from './courier.js';
import { effectOf, killedFirst, type Effect } from './ends.js';
import { idkTtlMs, type Carried, type OpenCommand, type Outbox } from './outbox.js';
import { alone, type Sharing } from './sharing.js';

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

/** How often whoever waits for another process looks for itself, should a word be missed. In milliseconds. */
const lookMs = 2_000;

/** 128 bits: 48 of time in milliseconds, 80 random. */
function newCommandId(nowMs: number): string {
  const id = randomBytes(16);
  id.writeUIntBE(nowMs, 0, 6);
  return id.toString('base64url');
}

export class CommandsService {
  private readonly courier: Courier;
  /** By command: it has ended, or is carried here now. */
  private readonly news = new EventEmitter().setMaxListeners(0);
  private readonly stopping = new AbortController();

  constructor(
    private readonly outbox: Outbox,
    private readonly carrier: CommandCarrier,
    private readonly sharing: Sharing = alone,
    private readonly now: () => number = Date.now,
  ) {
    this.courier = new Courier(outbox, carrier, (command, end) => this.settled(command, end), now);
  }

  /** Takes up what nobody carries and what this process can: of one connection, or of all. */
  async resume(connectionId?: string): Promise<void> {
    const open = await this.outbox.open();
    for (const one of open) if ((connectionId ?? one.connectionId) === one.connectionId) await this.adopt(one);
  }

  /**
   * Commits the order, sees that it is carried, and waits up to `waitMs` for its end. An order under the key of one that timed
   * out is that one, tried until the new deadline. A kill ends the spawns that it means and that were never sent.
   */
  async execute(order: Order, waitMs: number): Promise<CommandRecord> {
    const fresh = this.fresh(order);
    const carried = this.carried(fresh);
    const stands = await this.outbox.add(fresh, carried, order.unless);
    const { commandId, state } = stands;
    const command = state === 'timed_out' ? await this.outbox.reopen(commandId, fresh.deadlineMs, carried) : stands;
    await this.supersede(command);
    if (isSettled(command)) return command;
    if (command === fresh && carried.by !== null) this.courier.drive(command);
    else await this.wanted(commandId);
    return this.wait(command, waitMs);
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

  /** The order that would make this agent, also when nothing came back yet. */
  spawnOf(agentId: string): Promise<CommandRecord | null> {
    return this.outbox.spawnOf(agentId);
  }

  /** Commands that this process carries now. */
  onTheirWay(): readonly CommandRecord[] {
    return this.courier.carried();
  }

  /** Tells of each command that ends while this process carries it. */
  observe(ended: (command: CommandRecord) => void): void {
    this.courier.ended = ended;
  }

  /** Commands of that operation that wait for an answer now, in whichever process. */
  async underWay(op: OperationName, connectionId: string): Promise<readonly CommandRecord[]> {
    if (!this.sharing.isShared) return this.courier.underWay(connectionId, op);
    const open = (await this.outbox.open()).filter((one) => one.connectionId === connectionId);
    const commands = await Promise.all(open.map(({ commandId }) => this.outbox.get(commandId)));
    return commands.filter((command) => command !== null).filter((command) => command.op === op);
  }

  /** The journal told of an effect: a command that nobody answered in time was carried out all the same. */
  readonly heard = (connectionId: string, event: AgentEvent): void => {
    const done = effectOf(event);
    if (!done || Date.parse(event.time) < this.now() - idkTtlMs) return;
    this.confirm(connectionId, done).catch(() => undefined);
  };

  /** Carried by nobody: taken up if this process can. */
  async wanted(commandId: string): Promise<void> {
    const open = await this.outbox.openOne(commandId);
    if (open) await this.adopt(open);
  }

  /** Another process wrote down how it ended. */
  settledElsewhere(commandId: string): void {
    this.courier.over(commandId);
    this.news.emit(commandId);
  }

  /** A link to that peer came or went: what another process can carry is left to it, and the other way round. */
  async moved(connectionId: string): Promise<void> {
    if (!this.sharing.isShared || this.stopping.signal.aborted) return;
    if (this.sharing.carries(connectionId)) await this.resume(connectionId);
    else await Promise.all(this.courier.underWay(connectionId).map((command) => this.handOver(command)));
  }

  /** Stops sending; what is open goes to another process, or stays open for the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const left = await this.courier.stop();
    await Promise.allSettled(left.map((command) => this.offer(command)));
  }

  private fresh({ op, connectionId, spoke, args, actor, idk, agentId, ttlMs }: Order): CommandRecord {
    const createdAtMs = this.now();
    const commandId = newCommandId(createdAtMs);
    const times = { createdAtMs, deadlineMs: createdAtMs + ttlMs };
    const held = this.carrier.isReady(connectionId) ? {} : ({ held: true } as const);
    const what = { op, connectionId, spoke, args, actor, ...(agentId === undefined ? {} : { agentId }) };
    const trace = traceparent();
    return {
      ...(trace === undefined ? {} : { trace }),
      ...what,
      commandId,
      idk: idk ?? commandId,
      state: 'pending',
      ...times,
      ...held,
    };
  }

  private carried({ connectionId, commandId }: CommandRecord): Carried {
    if (this.sharing.carries(connectionId)) return { by: this.sharing.id, appends: [] };
    return { by: null, appends: this.sharing.tell('wanted', commandId) };
  }

  /** The kill goes out all the same: the spoke then knows that this agent shall never be. */
  private async supersede({ op, connectionId, agentId }: CommandRecord): Promise<void> {
    if (op !== 'agent.kill' && op !== 'agents.kill') return;
    const spawns = await this.underWay('agent.spawn', connectionId);
    const meant = spawns.filter((spawn) => op === 'agents.kill' || spawn.agentId === agentId);
    await Promise.all(meant.map((spawn) => this.withdraw(spawn)));
  }

  private async withdraw({ commandId }: CommandRecord): Promise<void> {
    const told = this.sharing.tell('settled', commandId);
    const { state } = await this.outbox.withdraw(commandId, { settledAtMs: this.now(), ...killedFirst() }, told);
    if (state !== 'pending') this.courier.over(commandId);
  }

  private async confirm(connectionId: string, { op, idk, body }: Effect): Promise<void> {
    const command = await this.outbox.byIdk(connectionId, idk);
    if (!command || isSettled(command) || command.op !== op) return;
    const end: End = { state: 'delivered', body };
    if (!this.courier.confirm(command.commandId, end)) await this.settled(command, end);
  }

  private async settled(
    { commandId }: CommandRecord,
    end: End | ((command: CommandRecord) => End),
  ): Promise<CommandRecord> {
    const settledAtMs = this.now();
    const whole = (command: CommandRecord): End => ({
      settledAtMs,
      body: undefined,
      problem: undefined,
      ...(typeof end === 'function' ? end(command) : end),
    });
    const settled = await this.outbox.settle(commandId, whole, this.sharing.tell('settled', commandId));
    this.news.emit(commandId);
    return settled;
  }

  /** Whoever carries it, if anybody lives that does, goes on. */
  private async adopt(open: OpenCommand): Promise<void> {
    const { commandId, connectionId, by } = open;
    if (this.stopping.signal.aborted || this.courier.end(commandId)) return;
    if (by !== null && by !== this.sharing.id && this.sharing.isAlive(by)) return;
    const carried = { by: this.sharing.id, appends: [] };
    if (!this.sharing.carries(connectionId) || !(await this.outbox.carriedBy(open, carried))) return;
    const command = await this.outbox.get(commandId);
    if (command === null || isOver(command)) return;
    this.courier.drive(command);
    this.news.emit(commandId);
  }

  private async handOver(command: CommandRecord): Promise<void> {
    await this.courier.letGo(command.commandId);
    await this.offer(command);
  }

  private async offer({ commandId }: CommandRecord): Promise<void> {
    const open = this.sharing.isShared ? await this.outbox.openOne(commandId) : null;
    if (open?.by !== this.sharing.id) return;
    await this.outbox.carriedBy(open, { by: null, appends: this.sharing.tell('wanted', commandId) });
  }

  private async wait(command: CommandRecord, waitMs: number): Promise<CommandRecord> {
    const over = new AbortController();
    const { promise, resolve } = Promise.withResolvers<CommandRecord>();
    const timer = setTimeout(resolve, waitMs, command);
    try {
      return await Promise.race([this.ended(command, over.signal), promise]);
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  }

  /** The record as it ended, here or elsewhere; as it is at the signal. */
  private async ended(command: CommandRecord, over: AbortSignal): Promise<CommandRecord> {
    const { commandId } = command;
    while (!over.aborted && !this.stopping.signal.aborted) {
      const here = this.courier.end(commandId);
      const ended = here ? await here : await this.toldOf(commandId, over);
      if (ended && isOver(ended)) return ended;
    }
    return command;
  }

  /** As it is after the next word of it, or after a while without one. */
  private async toldOf(commandId: string, over: AbortSignal): Promise<CommandRecord | null> {
    const signal = AbortSignal.any([over, this.stopping.signal, AbortSignal.timeout(lookMs)]);
    const told = once(this.news, commandId, { signal }).catch(() => undefined);
    const before = await this.outbox.get(commandId);
    if (before?.state !== 'pending' || this.courier.end(commandId)) return before;
    await told;
    return this.outbox.get(commandId);
  }
}
