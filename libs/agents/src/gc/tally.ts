// What one garbage collection did, item by item, and how it is told.
import type { GcItem, GcReport } from '#protocol';

/** An answer is read by people; what is beyond is counted. */
const ITEMS_MAX = 1_000;
const order: readonly GcItem['outcome'][] = ['removed', 'skipped', 'kept'];

export class Tally {
  private readonly items: GcItem[] = [];

  add(item: GcItem): void {
    this.items.push(item);
  }

  get freedBytes(): number {
    return this.items.reduce((sum, { outcome, bytes }) => sum + (outcome === 'removed' ? bytes : 0), 0);
  }

  has(kind: GcItem['kind'], id: string): boolean {
    return this.items.some((item) => item.kind === kind && item.id === id && item.outcome === 'removed');
  }

  report(about: Omit<GcReport, 'items' | 'more' | 'freedBytes'>): GcReport {
    const sorted = order.flatMap((outcome) => this.items.filter((item) => item.outcome === outcome));
    const items = sorted.slice(0, ITEMS_MAX);
    return { ...about, freedBytes: this.freedBytes, items, more: sorted.length - items.length };
  }
}
