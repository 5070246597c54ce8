// The door to a session: another turn, and the close.
import { WritError, type AgentResource, type Restored, type TurnTaken } from '#protocol';
import type { CloseRequest, RestoreRequest, SendRequest } from '../agents.js';
import type { AgentsDeps } from '../deps.js';
import type { EventMint } from '../lifecycle/events.js';
import { within } from '../lifecycle/within.js';
import { isLive, resourceOf, type AgentRecord, type Restoring } from '../lifecycle/record.js';
import type { Register, Step } from '../lifecycle/register.js';
import type { Run } from '../spawner/run.js';
import type { Runs } from '../spawner/runs.js';
import { Stop } from '../spawner/stop.js';
import { refusal } from './risk.js';
import { hashOf, restoreNoteKey, turnNote, turnNoteKey, type RestoreNote, type TurnNote } from './notes.js';
import { refuseWithoutSession, toBusy, toRestoring } from './turns.js';

interface DeskParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly mint: EventMint;
  readonly runs: Runs;
}

export class SessionDesk {
  constructor(private readonly parts: DeskParts) {}

  /** Committed as begun, and back at once. @throws WritError as `Agents.send`. */
  async send(request: SendRequest): Promise<TurnTaken> {
    const { agentId, turnId, input } = request;
    const { register, deps } = this.parts;
    const record = await register.find(agentId, request.owner);
    const note = await deps.store.get<TurnNote>(turnNoteKey(agentId, turnId));
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

  /** Resolves when it is done. @throws WritError as `Agents.restore`. */
  async restore(request: RestoreRequest): Promise<Restored> {
    const { agentId, turnId, to, owner } = request;
    const { register, deps } = this.parts;
    const record = await register.find(agentId, owner);
    const note = await deps.store.get<RestoreNote>(restoreNoteKey(agentId, turnId));
    const asked = note?.value.to ?? (record.restoring?.turnId === turnId ? record.restoring.to : to);
    if (asked !== to) throw new WritError('idk_conflict', 'This restore was asked for before, with another turn.');
    if (note) return { agentId, turnId, ...note.value };
    const run = this.runOf(record);
    await this.refuseUnkept(agentId, to);
    const restoring = await this.intended(request);
    const { graceMs, stepMs } = deps.options;
    const left = await within(graceMs + 4 * stepMs, 'The restore', run.session.restore(restoring));
    return { agentId, turnId, turn: restoring.turn, to, left };
  }

  /** From here on nothing else begins, also after a crash. */
  private async intended({ agentId, turnId, to, actor, reason, idk }: RestoreRequest): Promise<Restoring> {
    const wish = { turnId, to, actor, reason, ...(idk === undefined ? {} : { idk }) };
    const { restoring } = await this.parts.register.change(agentId, (before) =>
      before.restoring?.turnId === turnId ? null : { record: toRestoring(before, wish) },
    );
    if (!restoring) throw new WritError('internal', 'A restore began without its intent.');
    return restoring;
  }

  /** @throws WritError `not_found` */
  private async refuseUnkept(agentId: string, to: number): Promise<void> {
    const all = await this.parts.deps.worktrees.checkpoints.list(agentId);
    const found = all.find(({ turn }) => turn === to);
    if (found && found.missing === undefined) return;
    const kept = all.filter(({ missing }) => missing === undefined).map(({ turn }) => turn);
    const there = kept.length > 0 ? `There are those before ${kept.join(', ')}.` : 'There are none.';
    const detail = `There is no checkpoint before turn ${to}. ${found?.missing ?? ''} ${there}`.replace('  ', ' ');
    throw new WritError('not_found', detail.slice(0, 500));
  }

  /** Null for a turn that has begun already. */
  private step(before: AgentRecord, { turnId, actor, idk, input }: SendRequest): Step | null {
    if (before.turns?.current?.turnId === turnId) return null;
    const record = toBusy(before, turnId, this.parts.mint.time());
    const { taken: turn } = record.turns ?? { taken: 1 };
    const puts = [turnNote(before.agentId, turnId, { turn, hash: hashOf(input) })];
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
