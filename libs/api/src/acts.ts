// Administrative acts of an instance: who changed a grant, killed, unlocked, joined or closed, when and why. Hash-chained, never edited.
import type { Actor } from '#protocol';
import type { ChainedLog } from '#store';

export interface Act {
  readonly act: string;
  readonly subject: string;
  readonly actor: Actor;
  readonly detail: unknown;
}

export class Acts {
  constructor(
    private readonly log: ChainedLog,
    private readonly now: () => number = Date.now,
  ) {}

  async record(act: Act): Promise<void> {
    await this.log.append({ ...act, at: new Date(this.now()).toISOString() });
  }
}
