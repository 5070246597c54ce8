// What hub and spoke both look at when they are asked how they are.
import type { Check, Readiness } from '#protocol';
import type { Store } from '#store';

/** What failed makes it unready. Of the rest only keys warn: everything else has its place in `writ doctor`. */
export function readinessOf(checks: readonly Check[]): Readiness {
  const reasons = checks.filter(({ outcome }) => outcome === 'failed').map(({ detail }) => detail);
  const ending = checks.filter(({ name, outcome }) => name === 'keys' && outcome === 'warning');
  const warnings = ending.length > 0 ? { warnings: ending.map(({ detail }) => detail) } : {};
  return { ready: reasons.length === 0, reasons, ...warnings };
}

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
