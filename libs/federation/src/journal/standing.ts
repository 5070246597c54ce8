// Where a spoke's journal stands, as one record: the head of the chain, what is acknowledged, and where the epoch began.
import { chainOver, chainStart, newNonce } from '#protocol';
import type { Key, Put, Store } from '#store';
import type { JournalPosition, JournalView } from './position.js';

/** A point of the chain. `bytes` counts all events up to it, over all epochs. */
export interface ChainPoint {
  readonly seq: number;
  readonly h: string;
  readonly bytes: number;
}

export interface Standing {
  readonly epo: string;
  /** The life of the store in which the epoch began: another life starts another epoch. */
  readonly incarnation: string;
  /** Cursor of the stream at which this epoch's `seq` is 0. */
  readonly base: number;
  readonly head: ChainPoint;
  readonly acked: ChainPoint;
  /** How many agents have output that was left out and not marked yet. */
  readonly omitted: number;
  /** The epoch before and its last `seq`, until the first ack of this one. */
  readonly before?: { readonly epo: string; readonly seq: number } | undefined;
  /** When and after what the epoch began; absent for the first one. */
  readonly began?: NonNullable<JournalView['break']>;
}

const pageMax = 1_000;

/** Events waiting for the hub: one JSON string an entry, cursor = `base` + `seq`. */
export function journalOf(connectionId: string): Key {
  return ['federation', 'journal', connectionId];
}

export function standingOf(connectionId: string): Key {
  return ['federation', 'journal-standing', connectionId];
}

/** What hello says. */
export function positionOf({ epo, head, before }: Standing): JournalPosition {
  return { epo, seq: head.seq, h: head.h, ...(before ? { before } : {}) };
}

/** What people see. */
export function viewOf({ epo, head, began }: Standing): JournalView {
  return { epoch: epo, seq: head.seq, ...(began ? { break: began } : {}) };
}

function brokenOff({ epo, head, acked }: Standing): Pick<Standing, 'before' | 'began'> {
  const at = new Date().toISOString();
  return {
    before: { epo, seq: head.seq },
    began: { at, epoch: epo, accepted: acked.seq, journaled: head.seq },
  };
}

/** The point after some more events. */
export function extend(from: ChainPoint, events: readonly string[]): ChainPoint {
  const h = chainOver(from.h, events);
  const bytes = events.reduce((sum, event) => sum + Buffer.byteLength(event), from.bytes);
  return { seq: from.seq + events.length, h, bytes };
}

/** The standing as stored, with the version that a commit has to check; opened anew when the store has begun another life. */
export async function openStanding(
  store: Store,
  connectionId: string,
): Promise<{ standing: Standing; version: string }> {
  const key = standingOf(connectionId);
  for (;;) {
    const entry = await store.get<Standing>(key);
    if (entry?.value.incarnation === store.incarnation) return { standing: entry.value, version: entry.version };
    await beginEpoch(store, connectionId, entry);
  }
}

/**
 * Begins another epoch with all events that are not acknowledged: their numbers and chain are new, their text is not.
 * Lost races are fine: somebody else began it.
 */
export async function beginEpoch(
  store: Store,
  connectionId: string,
  old: { readonly value: Standing; readonly version: string } | null,
): Promise<void> {
  const epo = newNonce();
  const cursor = old ? old.value.base + old.value.acked.seq : await store.head(journalOf(connectionId));
  const origin: ChainPoint = { seq: 0, h: chainStart(connectionId, epo), bytes: old?.value.acked.bytes ?? 0 };
  const standing: Standing = {
    epo,
    incarnation: store.incarnation,
    base: cursor,
    head: await walk(store, connectionId, cursor, origin, Infinity),
    acked: origin,
    omitted: old?.value.omitted ?? 0,
    ...(old ? brokenOff(old.value) : {}),
  };
  const key = standingOf(connectionId);
  const put: Put = { key, value: standing };
  await store.commit({ checks: [{ key, version: old?.version ?? null }], puts: [put] });
}

/** The chain point `count` events after `from`, or as far as the stream reaches without a gap: what was trimmed meanwhile is one. */
export async function walk(
  store: Store,
  connectionId: string,
  base: number,
  from: ChainPoint,
  count: number,
): Promise<ChainPoint> {
  let point = from;
  const end = from.seq + count;
  while (point.seq < end) {
    const limit = Math.min(pageMax, end - point.seq);
    const page = await store.read<string>(journalOf(connectionId), { after: base + point.seq, limit });
    if (page[0]?.cursor !== base + point.seq + 1) break;
    point = extend(
      point,
      page.map(({ value }) => value),
    );
  }
  return point;
}
