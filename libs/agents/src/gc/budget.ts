// When the disk budget is passed, what has ended goes, the oldest first: output, then mirrors nobody uses, then kept work
// that is old. What lives and what is not kept is never touched: then the budget stays passed, and that is said. [W-2]
import type { GcItem } from '#protocol';
import type { AgentsDeps } from '../deps.js';
import type { Spools } from '../output/spool.js';
import type { KeptWork } from '../worktrees/worktrees.js';
import type { Pass } from './orphans.js';
import type { Standings } from './standing.js';

interface BudgetParts {
  readonly deps: AgentsDeps;
  readonly spools: Spools;
  readonly standings: Standings;
}

const reason = 'The disk budget is passed, and it was the oldest.';

export class Budget {
  constructor(private readonly parts: BudgetParts) {}

  /** Returns the bytes that are still too many. Does nothing under another store than the one of these files. */
  async enforce(pass: Pass, bytes: number): Promise<number> {
    const { diskBytesMax } = this.parts.deps.options.gc;
    const excess = () => Math.max(0, bytes - pass.tally.freedBytes - diskBytesMax);
    if (pass.storeSinceMs === null || excess() === 0) return excess();
    await this.outputs(pass, excess);
    await this.mirrors(pass, excess);
    await this.kept(pass, excess);
    return excess();
  }

  private async outputs(pass: Pass, excess: () => number): Promise<void> {
    const { spools } = this.parts;
    const ids = (await spools.agents()).filter((id) => !pass.tally.has('output', id));
    const aged = await Promise.all(ids.map(async (id) => ({ id, atMs: await spools.changedAt(id) })));
    for (const { id, atMs } of aged.sort((a, b) => a.atMs - b.atMs)) {
      if (excess() === 0) return;
      if (this.isYoung(atMs) || (await this.isClaimed(id, pass))) continue;
      const bytes = await spools.size(id);
      await this.remove(pass, { kind: 'output', id, bytes }, () => spools.remove(id).then(() => true));
    }
  }

  private async mirrors(pass: Pass, excess: () => number): Promise<void> {
    const { stock } = this.parts.deps.worktrees;
    const idle = (await stock.mirrors()).filter(({ inUse, usedAtMs }) => !inUse && !this.isYoung(usedAtMs));
    for (const { id, repository, bytes } of idle.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (excess() === 0) return;
      await this.remove(pass, { kind: 'mirror', id: repository ?? id, bytes }, () => stock.dropMirror(id));
    }
  }

  private async kept(pass: Pass, excess: () => number): Promise<void> {
    const { options, now, worktrees } = this.parts.deps;
    const old = (await worktrees.stock.kept()).filter(({ keptAtMs }) => now() - keptAtMs >= options.gc.keptMs);
    const touched = new Set<string>();
    for (const work of old) {
      if (excess() === 0) break;
      if (await this.isClaimed(work.agentId, pass)) continue;
      await this.remove(pass, { kind: 'kept', id: work.agentId, bytes: work.bytes }, () => this.drop(work));
      touched.add(work.mirror);
    }
    if (!pass.dryRun) for (const mirror of touched) await worktrees.stock.compact(mirror, options.gc.graceMs);
  }

  private async drop(work: KeptWork): Promise<true> {
    await this.parts.deps.worktrees.stock.dropKept(work);
    return true;
  }

  private async remove(pass: Pass, found: Pick<GcItem, 'kind' | 'id' | 'bytes'>, act: () => Promise<boolean>) {
    try {
      const removed = pass.dryRun || (await act());
      const inUse = 'It came into use meanwhile.';
      pass.tally.add({ ...found, ...(removed ? { outcome: 'removed', reason } : { outcome: 'kept', reason: inUse }) });
    } catch (cause) {
      this.parts.deps.log.warn({ cause, ...found }, 'something on disk could not be removed');
      pass.tally.add({ ...found, outcome: 'skipped', reason: 'It could not be removed; the log has the cause.' });
    }
  }

  private isYoung(atMs: number): boolean {
    return this.parts.deps.now() - atMs < this.parts.deps.options.gc.graceMs;
  }

  private async isClaimed(agentId: string, { storeSinceMs }: Pass): Promise<boolean> {
    return 'staysFor' in (await this.parts.standings.of(agentId, storeSinceMs ?? 0));
  }
}
