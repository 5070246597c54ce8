// Administrative acts of an instance: who changed a grant, killed, unlocked, joined or closed, when and why. Hash-chained, never edited.
import type { Actor } from '#protocol';
import type { ChainedLog, Commit } from '#store';

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
    await this.log.append(this.timed(act));
  }

  /** The act and what it does, in one commit. False when a check of the commit failed: then neither is there. */
  async commit(act: Act, commit: Commit): Promise<boolean> {
    return (await this.log.commit(commit, [this.timed(act)])).ok;
  }

  private timed(act: Act): Act & { readonly at: string } {
    return { ...act, at: new Date(this.now()).toISOString() };
  }
}
