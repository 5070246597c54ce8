// The audit log of a connection as lines of one file, as it stands at this moment.
import { publicJwk, WritError } from '#protocol';
import type { AuditEnd, AuditHeader, AuditRow, VerifyingKey } from '#protocol';
import type { Connection } from '../connections/connection.js';
import type { SealCheckpoint } from './checkpoints.js';
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
  return { connectionId: id, lines: exportLines(receipts, { con: id, by: we, ...roots }, seal) };
}

/**
 * Header, rows and a signed end; each line with its line end. Reads a page at a time, so that memory is bounded.
 * @throws WritError `store_unavailable` when rows were let go while it was read: begin again.
 */
export async function* exportLines(receipts: Receipts, head: ExportHead, seal: SealCheckpoint): AsyncGenerator<string> {
  const [{ seq, hash }, base] = [await receipts.head(head.con), await receipts.base(head.con)];
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
