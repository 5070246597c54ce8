// What hub and spoke both look at when they are asked how they are.
import type { Check } from '#protocol';
import type { Store } from '#store';

/** Whether the store answers, and keeps what it acknowledged when its machine fails. */
export async function checkStore(store: Store): Promise<Check> {
  try {
    await store.now();
    const durability = await store.durability();
    if (durability.synced) return { name: 'store', outcome: 'ok', detail: 'The store answers.' };
    const detail = 'The store may forget what it acknowledged when its machine fails.';
    return { name: 'store', outcome: 'warning', detail, cure: durability.reason };
  } catch {
    const cure = 'Check the store, its disk and its address.';
    return { name: 'store', outcome: 'failed', detail: 'The store does not answer.', cure };
  }
}
