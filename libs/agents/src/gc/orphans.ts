// What agents that are gone left behind: sandbox, worktree, output. Each is looked at, then removed or left with the reason.
// Whatever cannot be judged or kept stays. [W-1]
import type { GcItem } from '#protocol';
import type { AgentsDeps } from '../deps.js';
import { within } from '../lifecycle/within.js';
import type { Spools } from '../output/spool.js';
import type { Standing, Standings } from './standing.js';
import type { Tally } from './tally.js';

export interface Pass {
  readonly dryRun: boolean;
  /** Since when this store is the one of these files; null when it is not. */
  readonly storeSinceMs: number | null;
  readonly tally: Tally;
}

interface OrphanParts {
  readonly deps: AgentsDeps;
  readonly spools: Spools;
  readonly standings: Standings;
}

type Found = Pick<GcItem, 'kind' | 'id' | 'bytes'>;
const unknownStore = 'The store is not the one that this was made under.';

export class Orphans {
  constructor(private readonly parts: OrphanParts) {}

  /** Sandboxes go first: nothing is taken away under a process. */
  async collect(pass: Pass): Promise<void> {
    const { deps, spools } = this.parts;
    const known = await Promise.all(deps.sandboxes.map((sandbox) => sandbox.known()));
    for (const agentId of new Set(known.flat())) await this.look(pass, agentId, 'sandbox');
    for (const agentId of await deps.worktrees.known()) await this.look(pass, agentId, 'worktree');
    for (const agentId of await spools.agents()) await this.look(pass, agentId, 'output');
  }

  private async look(pass: Pass, id: string, kind: 'sandbox' | 'worktree' | 'output'): Promise<void> {
    const { bytes, changedAtMs } = await this.measured(id, kind);
    const found = { kind, id, bytes };
    try {
      pass.tally.add(await this.treated(pass, found, changedAtMs));
    } catch (cause) {
      this.parts.deps.log.warn({ cause, agentId: id, kind }, 'something on disk could not be collected');
      pass.tally.add({
        ...found,
        outcome: 'skipped',
        reason: 'It could not be kept or removed; the log has the cause.',
      });
    }
  }

  private async treated(pass: Pass, found: Found, changedAtMs: number): Promise<GcItem> {
    if (pass.storeSinceMs === null) return { ...found, outcome: 'kept', reason: unknownStore };
    const standing = await this.parts.standings.of(found.id, pass.storeSinceMs);
    const stays = this.reasonToStay(standing, changedAtMs, found.kind);
    if (stays !== undefined) return { ...found, outcome: 'kept', reason: stays };
    const reason = 'known' in standing && standing.known ? 'Its agent has ended.' : 'No agent of this store owns it.';
    const item: GcItem = { ...found, outcome: 'removed', reason };
    if (found.kind === 'sandbox') return this.sandbox(item, pass.dryRun);
    if (found.kind === 'worktree') return this.worktree(item, pass.dryRun);
    if (!pass.dryRun) await this.parts.spools.remove(found.id);
    return item;
  }

  private reasonToStay(standing: Standing, changedAtMs: number, kind: GcItem['kind']): string | undefined {
    const { options, now } = this.parts.deps;
    if ('staysFor' in standing) return standing.staysFor;
    const isReadable = kind === 'output' && standing.known;
    const graceMs = isReadable ? options.outputKeepMs : options.gc.graceMs;
    const until = Math.max(standing.sinceMs, changedAtMs) + graceMs;
    if (now() >= until) return undefined;
    return `${isReadable ? 'Readable' : 'In its grace'} until ${new Date(until).toISOString()}.`;
  }

  private async sandbox(item: GcItem, dryRun: boolean): Promise<GcItem> {
    const { deps } = this.parts;
    if (dryRun) return item;
    for (const sandbox of deps.sandboxes) {
      const stop = sandbox.stop(item.id, deps.options.graceMs);
      const left = await within(deps.options.graceMs + deps.options.stepMs, 'Stopping a sandbox', stop);
      if (left > 0) return { ...item, outcome: 'skipped', reason: `${left} processes still live in it.` };
      await within(deps.options.stepMs, 'Removing a sandbox', sandbox.remove(item.id));
    }
    return item;
  }

  private async worktree(item: GcItem, dryRun: boolean): Promise<GcItem> {
    const { worktrees, sandboxes } = this.parts.deps;
    const counts = await Promise.all(sandboxes.map((sandbox) => sandbox.survivors(item.id)));
    const alive = counts.reduce((sum, count) => sum + count, 0);
    if (alive > 0 && !dryRun) return { ...item, outcome: 'skipped', reason: `${alive} processes still live in it.` };
    const work = alive > 0 ? null : await worktrees.preflight(item.id);
    const looked = work ? { ...item, work } : item;
    if (dryRun) return looked;
    await worktrees.remove(item.id);
    const keptAs = await worktrees.stock.keptRef(item.id);
    return keptAs ? { ...looked, keptAs } : looked;
  }

  private async measured(id: string, kind: GcItem['kind']): Promise<{ bytes: number; changedAtMs: number }> {
    const { spools, deps } = this.parts;
    if (kind === 'worktree') return deps.worktrees.stock.worktree(id);
    if (kind === 'sandbox') return { bytes: 0, changedAtMs: 0 };
    return { bytes: await spools.size(id), changedAtMs: await spools.changedAt(id) };
  }
}
