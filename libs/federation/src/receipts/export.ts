// The audit log of a connection as lines of one file, as it stands at this moment.
import { publicJwk, thumbprintOf, WritError } from '#protocol';
import type { AuditEnd, AuditHeader, AuditRow, VerifyingKey } from '#protocol';
import type { Connection } from '../connections/connection.js';
import type { SealCheckpoint } from './checkpoints.js';
import type { LogPosition } from '#store';
import { browse, type Browse } from './browse.js';
import type { Receipts } from './receipts.js';

export type ExportHead = Omit<AuditHeader, 'audit' | 'base'>;

/** What an export of a connection is made of. */
export interface AuditDeps {
  readonly receipts: Receipts;
  readonly identity: { readonly rootKey: VerifyingKey };
  readonly sealOf: (connectionId: string) => SealCheckpoint | undefined;
}

/** The export of a connection. @throws WritError `not_found` for one that this process does not follow. */
export function openAudit({ receipts, identity, sealOf }: AuditDeps, { id, we, peer }: Connection) {
  const seal = sealOf(id);
  if (!seal) throw new WritError('not_found', 'No connection of that id.');
  const [ours, theirs] = [identity.rootKey.jwk, publicJwk.parse(peer.rootJwk)];
  const roots = we === 'hub' ? { hub: ours, spoke: theirs } : { hub: theirs, spoke: ours };
  const head = { con: id, by: we, ...roots };
  return {
    connectionId: id,
    by: we,
    parties: { hub: thumbprintOf(roots.hub), spoke: thumbprintOf(roots.spoke) },
    lines: exportLines(receipts, head, seal),
    /** Reads the same again each time, however the log grows meanwhile. */
    fixed: async () => {
      const span = await spanOf(receipts, id);
      return () => exportLines(receipts, head, seal, span);
    },
    browse: async (how: Browse) => {
      const { rows, next } = await browse(receipts, id, how);
      return { rows: rows.map(({ seq: n, hash: h, receipt }) => ({ n, h, ...receipt })), next };
    },
  };
}

/** Of a log: its last row, and the one before the first that is kept. */
interface Span {
  readonly last: LogPosition;
  readonly base: LogPosition;
}

async function spanOf(receipts: Receipts, con: string): Promise<Span> {
  const [last, base] = [await receipts.head(con), await receipts.base(con)];
  return { last, base };
}

/**
 * Header, rows and a signed end; each line with its line end. Reads a page at a time, so that memory is bounded.
 * @throws WritError `store_unavailable` when rows were let go while it was read: begin again.
 */
export async function* exportLines(
  receipts: Receipts,
  head: ExportHead,
  seal: SealCheckpoint,
  span?: Span,
): AsyncGenerator<string> {
  const {
    last: { seq, hash },
    base,
  } = span ?? (await spanOf(receipts, head.con));
  yield line({ audit: 1, ...head, base: { n: base.seq, h: base.hash } } satisfies AuditHeader);
  let last = base;
  while (last.seq < seq) {
    const page = await receipts.list(head.con, last.seq);
    for (const { seq: n, hash: h, text } of page.slice(0, seq - last.seq)) {
      if (n !== last.seq + 1) throw letGo();
      yield line({ n, prev: last.hash, h, text } satisfies AuditRow);
      last = { seq: n, hash: h };
    }
    if (page.length === 0) throw letGo();
  }
  const end = { n: seq, h: hash };
  yield line({ end, checkpoint: seal(end).raw } satisfies AuditEnd);
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function letGo(): WritError {
  return new WritError('store_unavailable', 'Rows were let go while the log was read: begin again.');
}
