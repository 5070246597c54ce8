// Looks through an audit log from its end, a page at a time.
import type { ReceiptKind } from '#protocol';
import type { ReceiptRow, Receipts } from './receipts.js';

export interface Browse {
  /** Rows before that one; from the end when left out. */
  readonly before?: number | undefined;
  readonly kinds?: readonly ReceiptKind[] | undefined;
  readonly limit: number;
}

export interface BrowsedRows {
  /** The newest first. */
  readonly rows: readonly ReceiptRow[];
  /** There may be more before that row. */
  readonly next?: number;
}

const pageRows = 500;
/** However few of them fit, one look goes through no more rows than these. */
const lookMax = 5_000;
/** A page ends early when its rows are long. */
const charsMax = 2 ** 20;

/** A page may be empty and still have a `next`: nothing fitted as far as it looked. */
export async function browse(receipts: Receipts, con: string, { before, kinds, limit }: Browse): Promise<BrowsedRows> {
  const [first, last] = [(await receipts.base(con)).seq + 1, (await receipts.head(con)).seq];
  const from = Math.min(before ?? Infinity, last + 1);
  const found = new Found(limit, kinds);
  let place = from;
  while (place > first && place > from - lookMax && !found.isFull) {
    const after = Math.max(first - 1, place - 1 - pageRows);
    const page = await receipts.list(con, after, place - 1 - after);
    if (page.length === 0) break;
    place = found.take(page);
  }
  return { rows: found.rows, ...(place > first && { next: place }) };
}

class Found {
  readonly rows: ReceiptRow[] = [];
  #chars = 0;

  constructor(
    private readonly limit: number,
    private readonly kinds: readonly ReceiptKind[] | undefined,
  ) {}

  get isFull(): boolean {
    return this.rows.length >= this.limit || this.#chars >= charsMax;
  }

  /** The row that it came to, from the end. */
  take(page: readonly ReceiptRow[]): number {
    let place = (page.at(-1)?.seq ?? 0) + 1;
    for (const row of page.toReversed()) {
      if (this.isFull) break;
      place = row.seq;
      if (this.kinds && !this.kinds.includes(row.receipt.kind)) continue;
      this.rows.push(row);
      this.#chars += row.text.length;
    }
    return place;
  }
}
