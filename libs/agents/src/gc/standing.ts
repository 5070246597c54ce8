// Whether anybody still has a claim on what an agent left on disk. Asked anew right before anything is removed. [W-5]
import { isLive } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Runs } from '../spawner/runs.js';

/** `staysFor` says why it is left alone; else nobody has a claim since `sinceMs` (epoch milliseconds), and `known` says whether the store has its record. */
export type Standing =
  { readonly staysFor: string; readonly lives: boolean } | { readonly sinceMs: number; readonly known: boolean };

export class Standings {
  constructor(
    private readonly register: Register,
    private readonly runs: Runs,
  ) {}

  /** The spawn commits record and lease before anything is made on disk: with neither of them nobody begins either. */
  async of(agentId: string, storeKnownSinceMs: number): Promise<Standing> {
    if (this.runs.has(agentId)) return { staysFor: 'The agent lives.', lives: true };
    const [entry, lease] = await Promise.all([this.register.read(agentId), this.register.lease(agentId)]);
    if (entry && isLive(entry.value.state)) return { staysFor: 'The agent lives.', lives: true };
    if (lease) return { staysFor: 'Its clean-up is under way.', lives: true };
    if (!entry) return { sinceMs: storeKnownSinceMs, known: false };
    return { sinceMs: Date.parse(entry.value.endedAt ?? entry.value.spawnedAt), known: true };
  }
}
