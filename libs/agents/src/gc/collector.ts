// Garbage collection: what is on disk and belongs to nobody that lives, from time to time and whenever an admin asks.
//
//   is this the store these files were made under? → sandboxes, worktrees, output without an agent → the disk budget
import type { GcReport, GcRequest } from '#protocol';
import type { AgentsDeps } from '../deps.js';
import type { Spools } from '../output/spool.js';
import { Budget } from './budget.js';
import { StoreMark } from './mark.js';
import { Orphans, type Pass } from './orphans.js';
import type { Standings } from './standing.js';
import { Tally } from './tally.js';

export interface CollectorParts {
  readonly deps: AgentsDeps;
  readonly spools: Spools;
  readonly standings: Standings;
}

const resetAdvice =
  'This store knows nothing of the life in which these files were made: it was reset, restored or replaced. Nothing is removed. ' +
  'If it should be another store, put that one back. If this is the right one, confirm with `writ gc --confirm-reset`: ' +
  'what no agent of it owns then goes after its grace, its work kept under a ref first.';

export class Collector {
  private readonly mark: StoreMark;
  private readonly orphans: Orphans;
  private readonly budget: Budget;
  private timer?: NodeJS.Timeout;
  private last: Promise<unknown> = Promise.resolve();
  private isPassing = false;
  /** Of `worktrees/` and the output together, after the last look; undefined before the first. */
  bytes: number | undefined;

  constructor(private readonly parts: CollectorParts) {
    this.mark = new StoreMark(parts.deps.options.stateDir);
    this.orphans = new Orphans(parts);
    this.budget = new Budget(parts);
  }

  /** Looks every `gc.everyMs` from now on. */
  async begin(): Promise<void> {
    await this.settle().catch((cause: unknown) => {
      this.parts.deps.log.warn({ cause }, 'the mark of the store could not be made: nothing will be collected');
    });
    const again = () => void this.pass();
    this.timer = setInterval(again, this.parts.deps.options.gc.everyMs).unref();
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.last;
  }

  /** One after the other: two at once would count the same bytes twice. */
  collect(request: GcRequest): Promise<GcReport> {
    const turn = this.last.then(() => this.once(request));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async pass(): Promise<void> {
    if (this.isPassing) return;
    this.isPassing = true;
    try {
      const { items, advice, freedBytes } = await this.collect({ dryRun: false, confirmReset: false });
      const done = items.filter(({ outcome }) => outcome !== 'kept');
      if (done.length > 0) this.parts.deps.log.info({ items: done, freedBytes }, 'garbage was collected');
      if (advice !== undefined) this.parts.deps.log.warn({ advice }, 'the garbage collection needs a person');
    } catch (cause) {
      this.parts.deps.log.error({ cause }, 'a garbage collection failed; the next one follows');
    } finally {
      this.isPassing = false;
    }
  }

  private async once({ dryRun, confirmReset }: GcRequest): Promise<GcReport> {
    const { store, options, now } = this.parts.deps;
    const storeSinceMs = (await this.mark.since(store.incarnation)) ?? (confirmReset ? now() : null);
    if (confirmReset && !dryRun && storeSinceMs !== null) await this.mark.write(store.incarnation, storeSinceMs);
    const pass: Pass = { dryRun, storeSinceMs, tally: new Tally() };
    const bytes = await this.settledBytes(dryRun);
    await this.orphans.collect(pass);
    const excess = await this.budget.enforce(pass, bytes);
    this.bytes = dryRun ? bytes : Math.max(0, bytes - pass.tally.freedBytes);
    const advice = storeSinceMs === null ? resetAdvice : overAdvice(excess);
    const about = { dryRun, storeKnown: storeSinceMs !== null, diskBytes: bytes };
    return pass.tally.report({ ...about, diskBytesMax: options.gc.diskBytesMax, ...(advice ? { advice } : {}) });
  }

  /** The first time there is no mark: it is made only while there is nothing that this store does not know. */
  private async settle(): Promise<void> {
    if (!(await this.mark.isAbsent()) || (await this.hasStrangers())) return;
    await this.mark.write(this.parts.deps.store.incarnation, this.parts.deps.now());
  }

  private async hasStrangers(): Promise<boolean> {
    const { deps, spools, standings } = this.parts;
    const sandboxes = await Promise.all(deps.sandboxes.map((sandbox) => sandbox.known()));
    const kept = (await deps.worktrees.stock.kept()).map(({ agentId }) => agentId);
    const all = [...sandboxes.flat(), ...(await deps.worktrees.known()), ...(await spools.agents()), ...kept];
    for (const agentId of new Set(all)) {
      const standing = await standings.of(agentId, 0);
      if ('known' in standing && !standing.known) return true;
    }
    return false;
  }

  /** What was only made ahead goes before anything else does. */
  private async settledBytes(dryRun: boolean): Promise<number> {
    const { options, worktrees } = this.parts.deps;
    const bytes = await this.diskBytes();
    const isOver = !dryRun && bytes > options.gc.diskBytesMax;
    return isOver && (await worktrees.stock.dropReady()) ? this.diskBytes() : bytes;
  }

  private async diskBytes(): Promise<number> {
    const { deps, spools } = this.parts;
    const outputs = await Promise.all((await spools.agents()).map((agentId) => spools.size(agentId)));
    return outputs.reduce((sum, bytes) => sum + bytes, await deps.worktrees.stock.bytes());
  }
}

function overAdvice(excess: number): string | undefined {
  if (excess === 0) return undefined;
  return `The disk budget is passed by ${excess} bytes, and what is left lives, is in its grace or is kept work younger than \`gc.keptMs\`. End agents, raise \`gc.diskBytesMax\`, or take the kept work over and shorten \`gc.keptMs\`.`;
}
