// The turns of one agent in this process, one after the other. Without a session the first is the last.
//
//   first turn (or, after a restart, none) → settled → waits for the next → … until the signal, or a limit is used up
//
// A turn that failed leaves the session usable; only what is used up (turns, tokens, money, output) ends the agent.
import { setTimeout as pause } from 'node:timers/promises';
import { WritError, type ExitReason } from '#protocol';
import type { AgentsLog } from '../deps.js';
import type { EventMint } from '../lifecycle/events.js';
import { hasSession, type AgentRecord, type Restoring } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Ending } from '../lifecycle/states.js';
import type { Pool } from '../pool/pool.js';
import type { Lease } from '../pool/warm.js';
import type { Backend, RuntimeOutcome, Turn } from '../runtimes/runtime.js';
import { endingOfError, endingOfOutcome } from '../spawner/endings.js';
import { Stop, theSpoke } from '../spawner/stop.js';
import type { WallClock } from '../spawner/wall-clock.js';
import type { Calm } from '../sandbox/calm.js';
import type { Hold } from '../sandbox/stillness.js';
import type { Checkpoints } from '../worktrees/checkpoints/checkpoints.js';
import type { Memories } from './memories.js';
import { Rewind } from './rewind.js';
import { Safeguard } from './safeguard.js';
import { WarmBackend } from './warm-backend.js';
import { toIdle } from './turns.js';

/** Opens a backend that goes on from what an earlier one remembered. */
export type Open = (memory: string | undefined) => Backend;

export interface SessionParts {
  readonly agent: AgentRecord;
  readonly register: Register;
  readonly mint: EventMint;
  readonly memories: Memories;
  readonly pool: Pool<WarmBackend>;
  /** Ends what the agent has running, but not the agent. Returns how many processes are left. */
  readonly cool: () => Promise<number>;
  /** Holds what runs of the agent still; null when it cannot. */
  readonly hold: () => Promise<Hold | null>;
  /** A moment in which nothing of it runs; null when something does, or it cannot be told. */
  readonly calm: () => Promise<Calm | null>;
  readonly checkpoints: Checkpoints;
  readonly clock: WallClock;
  readonly signal: AbortSignal;
  readonly stop: (stop: Stop) => void;
  readonly now: () => number;
  readonly stepMs: number;
  readonly log: AgentsLog;
}

const usedUp: readonly ExitReason[] = ['turns', 'tokens', 'money', 'output'];
const RETRY_MS = 1_000;

export class Session {
  /** The turn that was taken on last: given again, it is not done again. */
  private lastId: string;
  private waiting = Promise.withResolvers<Turn>();
  private expiry?: NodeJS.Timeout;
  /** What could not be written down. */
  private unsaved?: string;
  private writing: Promise<void> = Promise.resolve();
  private isGone = false;
  private readonly safeguard: Safeguard;
  private readonly rewind: Rewind;
  /** While it is being closed no turn is taken on. */
  isClosing = false;

  constructor(private readonly parts: SessionParts) {
    const { agentId, turns } = parts.agent;
    this.lastId = turns?.current?.turnId ?? turns?.last?.turnId ?? agentId;
    const shared = { ...parts, agentId, cool: () => this.cool() };
    const memory = async () => this.unsaved ?? (await parts.memories.load(agentId));
    this.safeguard = new Safeguard({ ...shared, memory, time: () => parts.mint.time() });
    this.rewind = new Rewind({ ...shared, safeguard: this.safeguard });
  }

  get isKept(): boolean {
    return hasSession(this.parts.agent);
  }

  /** A turn that is committed as begun. The same one again changes nothing. */
  give(turn: Turn): void {
    if (turn.turnId === this.lastId) return;
    this.lastId = turn.turnId;
    this.waiting.resolve(turn);
  }

  /** Until nothing more can come; what ends it before is the signal. `began` is awaited before a turn is settled. */
  async play(open: Open, began: () => Promise<unknown>): Promise<RuntimeOutcome> {
    const { agent } = this.parts;
    const first: Turn = { turnId: agent.agentId, turn: 1 };
    if (!this.isKept) return open(undefined).turn(first);
    if (agent.turns) this.expire();
    try {
      if (agent.restoring) await this.restore(agent.restoring).catch((cause: unknown) => this.calledOff(cause));
      for (let turn = agent.turns ? await this.next() : first; ; turn = await this.next()) {
        const outcome = await this.take(turn, open, began);
        if (usedUp.includes(outcome.exitReason)) return outcome;
      }
    } finally {
      clearTimeout(this.expiry);
    }
  }

  /** Lets the idle backend go; the next turn makes a new one. False when something of it still lives. */
  async cool(): Promise<boolean> {
    await this.safeguard.halt();
    return this.parts.pool.end(this.key);
  }

  /** Recorded as begun. @throws WritError when it was called off: then nothing was changed. */
  async restore(restoring: Restoring): Promise<number> {
    const left = await this.rewind.go(restoring);
    this.unsaved = undefined;
    return left;
  }

  /** When nobody reads or changes its files any more. */
  async rested(): Promise<void> {
    await Promise.all([this.safeguard.halt(), this.rewind.over()]);
  }

  /** Nothing of the agent lives any more, and what it remembers is not written down any more either. */
  async gone(): Promise<void> {
    this.isGone = true;
    if (this.isKept) this.parts.pool.gone(this.key);
    await this.writing;
  }

  private get key() {
    const { owner, agentId, options } = this.parts.agent;
    return { owner, session: options.session ?? '', agentId };
  }

  /** The turn that is on, if any, is over without a result of its own; the session can go on elsewhere. */
  async giveUp(stop: Stop): Promise<void> {
    const current = this.parts.register.last(this.parts.agent.agentId)?.turns?.current;
    const { exitReason, message: reason } = stop;
    if (current) await this.settle(current.turnId, { state: 'failed', exitReason, reason });
  }

  private calledOff(cause: unknown): void {
    const { log, agent, signal } = this.parts;
    signal.throwIfAborted();
    log.error(
      { cause, agentId: agent.agentId },
      'a restore that a restart had cut was called off: nothing was changed',
    );
  }

  private async next(): Promise<Turn> {
    const turn = await this.waiting.promise;
    this.waiting = Promise.withResolvers<Turn>();
    return turn;
  }

  private async take(turn: Turn, open: Open, began: () => Promise<unknown>): Promise<RuntimeOutcome> {
    const { clock, signal } = this.parts;
    clock.start();
    const outcome = await this.tried(turn, open);
    clock.stop();
    signal.throwIfAborted();
    await began();
    this.expire();
    await this.settle(turn.turnId, endingOfOutcome(outcome, null));
    if (!usedUp.includes(outcome.exitReason)) this.safeguard.prepare(turn.turn + 1);
    return outcome;
  }

  /** An agent whose first turn cannot even begin has no session to go on with: that is thrown. */
  private async tried(turn: Turn, open: Open): Promise<RuntimeOutcome> {
    try {
      await this.safeguard.beforeTurn(turn.turn);
      const lease = await this.lease(open);
      try {
        return await this.played(turn, lease);
      } finally {
        lease.release();
      }
    } catch (cause) {
      if (turn.turn === 1 || this.parts.signal.aborted) throw cause;
      const { exitReason, reason: failure } = endingOfError(cause, null);
      return { exitReason, failure, cause, result: { summary: '', items: [] } };
    }
  }

  private lease(open: Open): Promise<Lease<WarmBackend>> {
    const { pool, memories, agent, cool, stepMs, log, signal } = this.parts;
    const made = async () => {
      const backend = open(await memories.load(agent.agentId));
      return new WarmBackend(backend, { cool, stepMs, log, released: () => this.safeguard.released() });
    };
    return pool.lease(this.key, this, made, signal);
  }

  private async played(turn: Turn, { backend }: Lease<WarmBackend>): Promise<RuntimeOutcome> {
    const outcome = await backend.backend.turn(turn);
    if (this.isGone) return outcome;
    await (this.writing = this.remember(backend));
    return outcome;
  }

  /** What cannot be written now is still in the backend, which is kept for it; what can never be written again ends the session. Never rejects. */
  private async remember(warm: WarmBackend): Promise<void> {
    const { memories, agent, log, stop } = this.parts;
    const memory = warm.backend.memory();
    warm.isUnsaved = true;
    this.unsaved = memory;
    try {
      if (memory !== undefined) await memories.save(agent.agentId, memory);
      warm.isUnsaved = false;
      this.unsaved = undefined;
    } catch (cause) {
      if (cause instanceof WritError) stop(new Stop('runtime_error', theSpoke, cause.detail));
      else log.warn({ cause, agentId: agent.agentId }, 'the conversation of a session could not be kept');
    }
  }

  /** Tried until the store takes it: an end that nobody hears of would leave the session busy for ever. */
  private async settle(turnId: string, ending: Omit<Ending, 'actor'>): Promise<void> {
    for (;;) {
      try {
        await this.settleOnce(turnId, ending);
        return;
      } catch (cause) {
        this.parts.log.error({ cause, turnId }, 'the end of a turn could not be recorded; it is tried again');
        await pause(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  private settleOnce(turnId: string, ending: Omit<Ending, 'actor'>): Promise<AgentRecord> {
    const { register, mint, agent, clock } = this.parts;
    return register.change(agent.agentId, (before) => {
      const settled = toIdle(before, turnId, ending, { time: mint.time(), busyMs: clock.spentMs });
      if (!settled) return null;
      const { turn } = settled.end;
      const event = mint.turn(settled.record, { turnId, turn, actor: theSpoke, end: settled.end });
      return { record: settled.record, events: [event] };
    });
  }

  /** Counted from the spawn, but never before the agent is running: what is only being made cannot be complete. */
  private expire(): void {
    const { agent, now, stop } = this.parts;
    if (agent.sessionEndsAt === undefined) return;
    const over = () => stop(new Stop('expired', theSpoke, 'The session has reached the end of its time.'));
    this.expiry ??= setTimeout(over, Math.max(0, Date.parse(agent.sessionEndsAt) - now())).unref();
  }
}
