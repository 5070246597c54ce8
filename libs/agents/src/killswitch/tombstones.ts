// The kill of an agent that was never seen is remembered: should its spawn come later, it is refused as `killed`.
import { WritError, type Actor } from '#protocol';
import type { Check, Key, Store } from '#store';
import { recordKey } from '../lifecycle/record.js';
import type { AgentsOptions } from '../options.js';

const keyOf = (owner: string, agentId: string): Key => ['agents', 'tombstone', owner, agentId];

export class Tombstones {
  constructor(
    private readonly store: Store,
    private readonly options: Pick<AgentsOptions, 'tombstoneMs' | 'tombstonesMax'>,
  ) {}

  check(owner: string, agentId: string): Check {
    return { key: keyOf(owner, agentId), version: null };
  }

  /** @throws WritError `killed`. */
  async refuse(owner: string, agentId: string): Promise<void> {
    if (await this.store.get(keyOf(owner, agentId)))
      throw new WritError('killed', 'A kill of this agent came before its spawn.');
  }

  /** False when the agent came into being meanwhile. @throws WritError `capacity`: forgetting one would let an agent live. */
  async leave(owner: string, agentId: string, actor: Actor, reason: string): Promise<boolean> {
    const { tombstoneMs, tombstonesMax } = this.options;
    const key = keyOf(owner, agentId);
    if (await this.store.get(key)) return true;
    const others = await this.store.list(['agents', 'tombstone', owner], { limit: tombstonesMax });
    if (others.length >= tombstonesMax)
      throw new WritError('capacity', `${others.length} kills of unknown agents are remembered already.`);
    const puts = [{ key, value: { actor, reason }, ttlMs: tombstoneMs }];
    return (await this.store.commit({ checks: [{ key: recordKey(agentId), version: null }], puts })).ok;
  }
}
