// The hub's own killswitch: a latch per scope that refuses spawns here, before anything is sent. The spokes keep theirs.
import { WritError, type Actor } from '#protocol';
import type { KillScope, LatchResource } from '#api';
import type { Key, Store } from '#store';
import type { Acts } from '#api';

type ByWhom = KillScope & { readonly actor: Actor };

const prefix = ['hub', 'latch'] as const;
const latchKey = (scope: string): Key => [...prefix, scope];

export class Latches {
  constructor(
    private readonly store: Store,
    private readonly acts: Acts,
    private readonly now: () => number = Date.now,
  ) {}

  async list(): Promise<readonly LatchResource[]> {
    const entries = await this.store.list<LatchResource>([...prefix]);
    return entries.map(({ value }) => value);
  }

  async set({ scope, reason, actor }: ByWhom): Promise<void> {
    const value: LatchResource = { scope, reason, actor, setAt: new Date(this.now()).toISOString() };
    await this.store.commit({ puts: [{ key: latchKey(scope), value }] });
    await this.acts.record({ act: 'kill.all', subject: scope, actor, detail: { reason } });
  }

  async clear({ scope, reason, actor }: ByWhom): Promise<void> {
    await this.store.commit({ deletes: [latchKey(scope)] });
    await this.acts.record({ act: 'kill.reset', subject: scope, actor, detail: { reason } });
  }

  /** The latches that forbid a spawn there: none of them may exist in the commit that orders it. */
  forbidding(spoke: string): readonly Key[] {
    return ['all', `spoke:${spoke}`].map(latchKey);
  }

  async holds(spoke: string): Promise<boolean> {
    const found = await Promise.all(this.forbidding(spoke).map((key) => this.store.get(key)));
    return found.some((latch) => latch !== null);
  }

  /** @throws WritError `latched` while everything, or this spoke, is stopped */
  async refuseSpawn(spoke: string): Promise<void> {
    for (const key of this.forbidding(spoke)) {
      const latch = await this.store.get<LatchResource>(key);
      if (latch) throw new WritError('latched', `Spawning is stopped for ${latch.value.scope}: ${latch.value.reason}`);
    }
  }
}
