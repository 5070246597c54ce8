// What becomes of the work of an agent once its run is judged: it is inspected, and when a push was asked for, its branch goes to the
// remote. Nothing is pushed that was not judged `completed` and cleared, and that judgement is recorded first, so that a crash on the way is taken up again.
import type { AgentResult, PushPermit } from '#protocol';
import type { AgentsDeps } from '../deps.js';
import type { AgentRecord, Ending } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Inspection } from '../review/inspection.js';
import { endingOfStop } from './endings.js';
import { Stop, theSpoke } from './stop.js';

type Pushed = NonNullable<AgentResult['push']>;

export class Delivery {
  constructor(
    private readonly deps: AgentsDeps,
    private readonly register: Register,
    private readonly inspection: Inspection,
  ) {}

  /** The end with what became of the push. A push that failed makes it `failed`; the work is kept as ever. Never rejects. */
  async deliver(agent: AgentRecord, found: Ending, signal: AbortSignal): Promise<Ending> {
    const { agentId, mayPush } = agent;
    const judged = await this.inspection.of(agent, found, signal);
    if (!mayPush) return judged;
    const { branch } = mayPush;
    if (judged.state !== 'completed') return told(judged, { branch, reason: 'Only work that completed is pushed.' });
    const commit = judged.result?.commit;
    if (commit === undefined) return told(judged, { branch, reason: 'The agent changed nothing.' });
    const reason = await this.reasonAgainst(agentId, mayPush, judged, signal);
    if (reason === null) return told(judged, { branch, commit });
    if (signal.reason instanceof Stop)
      return told(endingOfStop(signal.reason, null), { branch, reason }, judged.result);
    const failed = { state: 'failed', exitReason: 'push_failed', actor: theSpoke } as const;
    return told({ ...judged, ...failed, reason: `The work was not pushed. ${reason}` }, { branch, reason });
  }

  /** Null when the remote has it. */
  private async reasonAgainst(agentId: string, to: PushPermit, judged: Ending, signal: AbortSignal) {
    try {
      await this.register.change(agentId, (before) => ({ record: { ...before, judged } }));
      const unpushed = await this.deps.worktrees.push(agentId, to, signal);
      if (unpushed) this.deps.log.warn({ cause: unpushed.cause, agentId }, 'the work of an agent was not pushed');
      return unpushed?.reason ?? null;
    } catch (cause) {
      this.deps.log.warn({ cause, agentId }, 'a push was cut off');
      return signal.aborted
        ? 'The push was cut off: whether it got there, the remote knows.'
        : 'It could not be begun; the log of the spoke has the cause.';
    }
  }
}

function told(ending: Ending, push: Pushed, result = ending.result): Ending {
  return result ? { ...ending, result: { ...result, push } } : ending;
}
