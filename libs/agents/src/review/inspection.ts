// The end of a run before anything of it leaves: a success whose work may not leave is none. [O-9]
import type { AgentRecord, Ending } from '../lifecycle/record.js';
import type { Clearance, Refusal } from '../secrets/clearance.js';
import { endingOfStop } from '../spawner/endings.js';
import { aborted, Stop, theSpoke } from '../spawner/stop.js';

export class Inspection {
  constructor(private readonly clearance: Clearance) {}

  /** What did not complete goes nowhere by itself; whoever asks for its diff has it looked at then. Never rejects. */
  async of({ agentId, context }: AgentRecord, judged: Ending, signal: AbortSignal): Promise<Ending> {
    if (judged.state !== 'completed' || judged.result?.commit === undefined) return judged;
    const looked = this.clearance.of({ agentId, repository: context.repository });
    try {
      const verdict = await (signal.aborted ? looked : Promise.race([looked, aborted(signal)]));
      return verdict.kind === 'clear' ? judged : refused(judged, verdict);
    } catch (stop) {
      return stop instanceof Stop ? { ...endingOfStop(stop, null), result: judged.result } : refused(judged, cutOff);
    }
  }
}

const cutOff: Refusal = { kind: 'unknown', reason: 'The scan for secrets was cut off.' };

function refused(judged: Ending, verdict: Refusal): Ending {
  const exitReason = verdict.kind === 'secrets' ? 'secret_found' : 'scan_failed';
  const failed = { state: 'failed', exitReason, actor: theSpoke, reason: verdict.reason } as const;
  const { result = { summary: '', items: [] } } = judged;
  return { ...failed, result: verdict.kind === 'secrets' ? { ...result, secrets: [...verdict.found] } : result };
}
