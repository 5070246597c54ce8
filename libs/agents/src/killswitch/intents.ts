// Who asked for a stop and why, committed to the agent's lease before anything is stopped: should the spoke die in the
// middle of the kill, its next start finds the intent and records the end as what it is. [K-1] [L-6]
import type { Store } from '#store';
import type { AgentsLog } from '../deps.js';
import type { Intent, Lease } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import { inTime } from '../lifecycle/within.js';
import type { Latches } from './latches.js';

/** How long a kill waits for its intent to be committed; with a store that hangs it goes on without. [L-2] */
const COMMIT_MS = 1_000;
const TRIES_MAX = 10;

export class Intents {
  constructor(
    private readonly store: Store,
    private readonly register: Register,
    private readonly latches: Latches,
    private readonly log: AgentsLog,
  ) {}

  /** Never rejects. The first intent counts, as the first stop does; the end of the agent takes it away. */
  commit(agentId: string, { exitReason, actor, reason }: Intent): Promise<void> {
    const intent: Intent = { exitReason, actor, reason };
    return inTime(COMMIT_MS, 'Committing the intent of a kill', this.toLease(agentId, intent), this.log);
  }

  /** What was asked for before the agent's process went away. A latch counts too: whoever lives under one was to be killed. */
  async of({ intent, owner }: Lease): Promise<Intent | undefined> {
    const latch = intent ? undefined : await this.latches.over(owner);
    return intent ?? (latch && { exitReason: 'killed', actor: latch.actor, reason: latch.reason });
  }

  private async toLease(agentId: string, intent: Intent): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const lease = await this.register.lease(agentId);
      if (!lease || lease.value.ending || lease.value.intent) return;
      const { key, version } = lease;
      const value: Lease = { ...lease.value, intent };
      if ((await this.store.commit({ checks: [{ key, version }], puts: [{ key, value }] })).ok) return;
    }
  }
}
