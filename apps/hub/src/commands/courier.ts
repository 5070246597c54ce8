// Carries commands that this process has taken on: one try after another under the same idempotency key, until an answer, the
// deadline, the word of the journal, or until another process is to carry it.
import { setTimeout as sleep } from 'node:timers/promises';
import { problemOf, type OperationName } from '#protocol';
import type { Answer, CommandCarrier } from './carrier.js';
import type { CommandRecord, End } from './command.js';
import { Departures } from './departures.js';
import { endOf, overdue } from './ends.js';
import type { Outbox } from './outbox.js';

/** Writes an end, unless there is one. Resolves with the command as it stands then. */
type Settle = (command: CommandRecord, end: End | ((command: CommandRecord) => End)) => Promise<CommandRecord>;

interface Running {
  readonly command: CommandRecord;
  /** The record when it has ended; undefined when this process carries it no more. */
  readonly end: Promise<CommandRecord | undefined>;
  /** It has its end: nobody needs to try any more. */
  readonly over: AbortController;
  /** Another process carries it from now on. */
  readonly letGo: AbortController;
}

/** Between two tries of one command, in milliseconds: from the first to the last, doubling. */
const againMs = { first: 200, last: 10_000 };

export class Courier {
  private readonly running = new Map<string, Running>();
  /** What the journal told of commands that are still on their way: counts when no answer comes. */
  private readonly confirmed = new Map<string, End>();
  private readonly departures: Departures;
  /** Told of each command that has ended while this process carried it. */
  ended: (command: CommandRecord) => void = () => undefined;

  constructor(
    outbox: Outbox,
    private readonly carrier: CommandCarrier,
    private readonly settle: Settle,
    private readonly now: () => number,
  ) {
    this.departures = new Departures(outbox, carrier);
  }

  /** Carries it, unless it is carried already. */
  drive(command: CommandRecord): void {
    const { commandId } = command;
    if (this.running.has(commandId)) return;
    const [over, letGo] = [new AbortController(), new AbortController()];
    const end = this.carryOut(command, over.signal, letGo.signal).finally(() => this.forget(commandId));
    end.catch(() => undefined);
    this.running.set(commandId, { command, end, over, letGo });
  }

  /** See `Running.end`; undefined for what is not carried here. */
  end(commandId: string): Promise<CommandRecord | undefined> | undefined {
    return this.running.get(commandId)?.end;
  }

  /** All that is carried here. */
  carried(): readonly CommandRecord[] {
    return [...this.running.values()].map(({ command }) => command);
  }

  /** Commands that wait for an answer now. */
  underWay(connectionId: string, op?: OperationName): readonly CommandRecord[] {
    return this.carried().filter((one) => one.connectionId === connectionId && (op === undefined || one.op === op));
  }

  /** False when it is not carried here. */
  confirm(commandId: string, end: End): boolean {
    if (!this.running.has(commandId)) return false;
    this.confirmed.set(commandId, end);
    return true;
  }

  /** Its end is written. */
  over(commandId: string): void {
    this.running.get(commandId)?.over.abort();
  }

  /** Another process carries it from now on. Resolves when nothing more of it is sent. */
  async letGo(commandId: string): Promise<void> {
    const running = this.running.get(commandId);
    running?.letGo.abort();
    await running?.end.catch(() => undefined);
  }

  /** Lets go of all; returns what has not ended. */
  async stop(): Promise<readonly CommandRecord[]> {
    const all = [...this.running.values()];
    for (const { letGo } of all) letGo.abort();
    const ends = await Promise.allSettled(all.map(({ end }) => end));
    return all.filter((_, n) => ends[n]?.status === 'fulfilled' && !ends[n].value).map(({ command }) => command);
  }

  private forget(commandId: string): void {
    this.running.delete(commandId);
    this.confirmed.delete(commandId);
  }

  private async carryOut(
    command: CommandRecord,
    over: AbortSignal,
    letGo: AbortSignal,
  ): Promise<CommandRecord | undefined> {
    const deadline = AbortSignal.timeout(Math.max(1, command.deadlineMs - this.now()));
    const tried = await this.tryUntil(command, AbortSignal.any([deadline, over, letGo]));
    const end = tried ?? this.confirmed.get(command.commandId);
    if (end === undefined && letGo.aborted) return undefined;
    const ended = await this.settle(command, end ?? overdue);
    this.ended(ended);
    return ended;
  }

  private async tryUntil(command: CommandRecord, signal: AbortSignal): Promise<End | undefined> {
    const late = (answer: Answer): void => void this.settle(command, endOf(answer)).catch(() => undefined);
    try {
      const stands = await this.departures.leave(command, signal);
      if (stands.state !== 'pending') return stands;
      for (let restMs = againMs.first; !signal.aborted; restMs = Math.min(2 * restMs, againMs.last)) {
        const answer = await this.carrier.carry(command, signal, late);
        if (answer !== null) return endOf(answer);
        await sleep(restMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false });
      }
      return undefined;
    } catch (error) {
      return signal.aborted ? undefined : { state: 'failed', problem: problemOf(error) };
    }
  }
}
