// The door to a session: another turn, and the close.
import { createHash } from 'node:crypto';
import { WritError, type AgentResource, type TurnTaken } from '#protocol';
import type { Key } from '#store';
import type { CloseRequest, SendRequest } from '../agents.js';
import type { AgentsDeps } from '../deps.js';
import type { EventMint } from '../lifecycle/events.js';
import { within } from '../lifecycle/within.js';
import { isLive, resourceOf, type AgentRecord } from '../lifecycle/record.js';
import type { Register, Step } from '../lifecycle/register.js';
import type { Run } from '../spawner/run.js';
import type { Runs } from '../spawner/runs.js';
import { Stop } from '../spawner/stop.js';
import { refusal } from './risk.js';
import { refuseWithoutSession, toBusy } from './turns.js';

/** How long the same turn sent again is known: as long as its idempotency key binds, with room. */
const turnTtlMs = 49 * 3_600_000;

interface DeskParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly mint: EventMint;
  readonly runs: Runs;
}

interface TurnNote {
  readonly turn: number;
  readonly hash: string;
}

const noteKey = (agentId: string, turnId: string): Key => ['agents', 'turn', agentId, turnId];
const hashOf = (input: string) => createHash('sha256').update(input).digest('base64url');

export class SessionDesk {
  constructor(private readonly parts: DeskParts) {}

  /** Committed as begun, and back at once. @throws WritError as `Agents.send`. */
  async send(request: SendRequest): Promise<TurnTaken> {
    const { agentId, turnId, input } = request;
    const { register, deps } = this.parts;
    const record = await register.find(agentId, request.owner);
    const note = await deps.store.get<TurnNote>(noteKey(agentId, turnId));
    if (note && note.value.hash !== hashOf(input))
      throw new WritError('idk_conflict', 'This turn was sent before with another input.');
    if (note && record.turns?.current?.turnId !== turnId) return { agentId, turnId, turn: note.value.turn };
    const run = this.runOf(record);
    const after = await register.change(agentId, (before) => this.step(before, request));
    const turn = after.turns?.taken ?? 1;
    run.session.give({ turnId, turn, input });
    return { agentId, turnId, turn };
  }

  /** Resolves when the agent has ended. Closing an ended one is no error. @throws WritError as `Agents.closeSession`. */
  async close(request: CloseRequest): Promise<AgentResource> {
    const { register, deps } = this.parts;
    const record = await register.find(request.agentId, request.owner);
    if (!isLive(record.state)) return resourceOf(record);
    const run = this.runOf(record);
    run.session.isClosing = true;
    try {
      if (!request.force) await this.refuseRisk(run, record);
      run.stop(new Stop('closed', request.actor, request.reason));
    } finally {
      run.session.isClosing = false;
    }
    const { graceMs, stepMs } = deps.options;
    return resourceOf(await within(graceMs + 2 * stepMs, 'Closing the session', run.ended));
  }

  /** Null for a turn that has begun already. */
  private step(before: AgentRecord, { turnId, actor, idk, input }: SendRequest): Step | null {
    if (before.turns?.current?.turnId === turnId) return null;
    const record = toBusy(before, turnId, this.parts.mint.time());
    const { taken: turn } = record.turns ?? { taken: 1 };
    const note: TurnNote = { turn, hash: hashOf(input) };
    const puts = [{ key: noteKey(before.agentId, turnId), value: note, ttlMs: turnTtlMs }];
    return { record, puts, events: [this.parts.mint.turn(record, { turnId, turn, actor, idk })] };
  }

  private runOf(record: AgentRecord): Run {
    refuseWithoutSession(record);
    const run = this.parts.runs.get(record.agentId);
    if (!run || run.isStopping || run.session.isClosing)
      throw new WritError('invalid_transition', 'The session is being closed, or is held by another process.');
    return run;
  }

  /** A turn that begins while we look has the last word: the close is refused. */
  private async refuseRisk(run: Run, { agentId }: AgentRecord): Promise<void> {
    const busy = async () => (await this.parts.register.find(agentId)).activity !== 'idle';
    if (await busy()) throw new WritError('invalid_transition', 'A turn is on: wait for its end, or close by force.');
    const risk = await run.atRisk();
    if (risk) throw refusal(risk);
    if (await busy()) throw new WritError('invalid_transition', 'A turn has begun: wait for its end.');
  }
}
