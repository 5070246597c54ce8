// A session's backend as the pool holds it: ended only when a look has found none of its processes.
import type { AgentsLog } from '../deps.js';
import { inTime } from '../lifecycle/within.js';
import type { Warm } from '../pool/warm.js';
import type { Backend } from '../runtimes/runtime.js';

interface Means {
  readonly cool: () => Promise<number>;
  /** When nothing of it is held still between turns any more: before, it cannot answer. */
  readonly released: () => Promise<void>;
  readonly stepMs: number;
  readonly log: AgentsLog;
}

export class WarmBackend implements Warm {
  /** What it remembers is nowhere else: it is not let go. */
  isUnsaved = false;

  constructor(
    readonly backend: Backend,
    private readonly means: Means,
  ) {}

  async idle(): Promise<boolean> {
    await this.means.released();
    return !this.isUnsaved && (await this.backend.idle());
  }

  /** Asked to end first; then whatever still lives is ended. @throws Error when something is left. */
  async close(): Promise<void> {
    const { cool, stepMs, log } = this.means;
    await inTime(stepMs, 'Closing a backend', this.backend.close(), log);
    const left = await cool();
    if (left > 0) throw new Error(`${left} processes of a warm backend still live`);
  }
}
