// The review of agents' work as their runs use it: each backend is put behind its gates, with the means of its run.
import type { AgentsDeps } from '../deps.js';
import { inTime } from '../lifecycle/within.js';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Backend, Runtime } from '../runtimes/runtime.js';
import type { Guard } from '../secrets/guard.js';
import { Gates, gatesFor, type GatesParts } from './gates.js';
import { ReviewedBackend } from './reviewed.backend.js';

export interface RunMeans extends Pick<GatesParts, 'launch' | 'output' | 'signal'> {
  readonly agent: AgentRecord;
  readonly runtime: Pick<Runtime, 'takesTurns'>;
  /** Ends what the agent has running, but not the agent. */
  readonly cool: () => Promise<unknown>;
}

export class Reviews {
  constructor(
    private readonly deps: AgentsDeps,
    private readonly guard: Guard,
  ) {}

  over(inner: Backend, { agent, runtime, cool, ...means }: RunMeans): Backend {
    const { review, options, log } = this.deps;
    const makeRoom = async () => {
      await inTime(options.stepMs, 'Closing a backend', inner.close(), log);
      await cool();
    };
    const gates = new Gates({ ...means, makeRoom, gateMs: review.gateMs, commands: gatesFor(review, agent) });
    const handBacksMax = runtime.takesTurns ? review.handBacksMax : 0;
    return new ReviewedBackend(inner, { gates, guard: this.guard, handBacksMax, log });
  }
}
