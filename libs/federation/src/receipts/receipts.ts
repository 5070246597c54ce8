// Receipts: the exact strings that the two sides of a connection said to each other, in an append-only, hash-chained log.
import {
  ChainedLog,
  type Commit,
  type Key,
  type LogCommitResult,
  type LogPosition,
  type LogVerdict,
  type Store,
} from '#store';
import type { AuditCut, ReceiptKind } from '#protocol';
import { Carried } from './cut.js';

export interface ReceiptDraft {
  readonly kind: ReceiptKind;
  /** The compact JWS exactly as it was sent or received. */
  readonly raw: string;
  /** Of an event message: where it begins. */
  readonly from?: { readonly epo: string; readonly seq: number };
  /** Of a row that says that rows before it were let go. */
  readonly cut?: AuditCut;
}

export interface Receipt extends ReceiptDraft {
  /** When it was recorded, ISO 8601. */
  readonly at: string;
}

/** A receipt with its place in the log; `hash` covers every row before it, `text` is what was hashed. */
export interface ReceiptRow extends LogPosition {
  readonly receipt: Receipt;
  readonly text: string;
}

/** One log a connection, under its id. */
const logs = ['federation', 'receipts'] as const;
const retentionDays = 400;
const dayMs = 86_400_000;
const pageMax = 500;
const lookBackMax = 5_000;
/** The first row after a checkpoint or its countersignature mostly tells. */
const newsPage = 16;

export class Receipts {
  readonly #logs = new Map<string, ChainedLog<Receipt>>();

  constructor(
    private readonly store: Store,
    private readonly now: () => number = Date.now,
    private readonly retentionMs: number = retentionDays * dayMs,
  ) {}

  /** Keeps the strings in the same commit as everything else; a conflict of that commit keeps nothing. */
  record(connectionId: string, drafts: readonly ReceiptDraft[], also: Commit = {}): Promise<LogCommitResult> {
    const at = new Date(this.now()).toISOString();
    return this.log(connectionId).commit(
      also,
      drafts.map((draft) => ({ ...draft, at })),
    );
  }

  /** The last row. */
  head(connectionId: string): Promise<LogPosition> {
    return this.log(connectionId).head();
  }

  /** The row before the first one that is kept; row 0 until rows were let go. */
  base(connectionId: string): Promise<LogPosition> {
    return this.log(connectionId).base();
  }

  /** Whether anything but checkpoints was written after that row. */
  async hasNews(connectionId: string, after: number): Promise<boolean> {
    for (let last = after; ;) {
      const page = await this.list(connectionId, last, newsPage);
      if (page.some(({ receipt }) => receipt.kind !== 'checkpoint')) return true;
      const end = page.at(-1);
      if (!end) return false;
      last = end.seq;
    }
  }

  /** Receipts after a row of the log, oldest first, at most 500. */
  async list(connectionId: string, after = 0, limit = pageMax): Promise<readonly ReceiptRow[]> {
    const rows = await this.log(connectionId).read(after, Math.min(limit, pageMax));
    return rows.map(({ seq, hash, text, entry }) => ({ seq, hash, text, receipt: entry }));
  }

  /** All that is kept of a connection, oldest first. */
  async *export(connectionId: string): AsyncGenerator<ReceiptRow> {
    let after = 0;
    for (;;) {
      const page = await this.list(connectionId, after);
      yield* page;
      const last = page.at(-1);
      if (!last) return;
      after = last.seq;
    }
  }

  /** Recomputes every hash, and names the first row that is missing or was changed. */
  verify(connectionId: string): Promise<LogVerdict> {
    return this.log(connectionId).verify();
  }

  /**
   * Forgets what is older than the retention (400 days by default), in all logs; each chain goes on from there, and a row of
   * it says so: what is gone without one was taken away.
   */
  async prune(): Promise<void> {
    let after: Key | undefined;
    for (;;) {
      const page = await this.store.list(logs, after ? { after } : {});
      for (const { key } of page)
        if (key[2] !== undefined) await this.pruneBefore(key[2], this.now() - this.retentionMs);
      after = page.at(-1)?.key;
      if (after === undefined) return;
    }
  }

  /** Forgets what was written before that time, epoch ms, and leaves a row that says so. */
  async pruneBefore(connectionId: string, beforeMs: number): Promise<void> {
    const before = new Date(beforeMs).toISOString();
    let old: ReceiptRow | undefined;
    const carried = new Carried();
    for await (const row of this.export(connectionId)) {
      if (row.receipt.at >= before) break;
      old = row;
      carried.take(row.receipt);
    }
    if (!old) return;
    const cut = { n: old.seq, h: old.hash, kept: carried.from(beforeMs) };
    await this.record(connectionId, [{ kind: 'cut', raw: '', cut }]);
    await this.log(connectionId).trim(old.seq);
  }

  /** The event message that carried this number, among the latest 5,000 receipts. */
  eventMessage(connectionId: string, epo: string, seq: number): Promise<string | undefined> {
    return this.latest(connectionId, ({ from }) => from?.epo === epo && from.seq <= seq);
  }

  /** The last result message that answers the command message of that id, among the latest 5,000 receipts. */
  resultMessage(connectionId: string, jti: string): Promise<string | undefined> {
    return this.latest(connectionId, ({ kind, raw }) => kind === 'result' && answers(raw, jti));
  }

  private async latest(connectionId: string, fits: (receipt: Receipt) => boolean): Promise<string | undefined> {
    const { seq: head } = await this.log(connectionId).head();
    for (let after = head; after > 0 && after > head - lookBackMax;) {
      after = Math.max(0, after - pageMax);
      const page = await this.list(connectionId, after);
      const found = page.findLast(({ receipt }) => fits(receipt));
      if (found) return found.receipt.raw;
    }
    return undefined;
  }

  private log(connectionId: string): ChainedLog<Receipt> {
    const known = this.#logs.get(connectionId);
    if (known) return known;
    const log = new ChainedLog<Receipt>(this.store, [...logs, connectionId]);
    this.#logs.set(connectionId, log);
    return log;
  }
}

/** Of a message that was verified when it came. */
function answers(raw: string, jti: string): boolean {
  const payload = Buffer.from(raw.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { req?: { jti?: string } }).req?.jti === jti;
}
