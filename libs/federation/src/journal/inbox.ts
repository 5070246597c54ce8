// The hub's side of every journal: each event once, in order, chained, in one stream a connection that the fleet view tails.
import { chainStart, WritError } from '#protocol';
import type { Commit, Key, Store } from '#store';
import type { Alarms } from '../connections/alarms.js';
import type { Receipts } from '../receipts/receipts.js';
import { chainOf } from './batch.js';
import { InTurn } from './in-turn.js';
import { JournalSink, type EventAck, type EventBatch, type JournalPosition, type JournalView } from './position.js';

/** What the stream of a connection holds. `h` is c(seq) of that epoch. */
export type JournalEntry =
  | {
      readonly kind: 'event';
      readonly epo: string;
      readonly seq: number;
      readonly h: string;
      readonly event: string;
      readonly at: string;
    }
  | {
      readonly kind: 'break';
      /** The epoch that begins. */
      readonly epo: string;
      /** What this hub had accepted last; null before the first epoch. */
      readonly accepted: { readonly epo: string; readonly seq: number } | null;
      /** What the spoke says about the epoch that ended; absent when it remembers none. */
      readonly before?: { readonly epo: string; readonly seq: number };
      readonly at: string;
    };

/** The stream of a connection's events, as `JournalEntry`. */
export function fleetEventsOf(connectionId: string): Key {
  return ['federation', 'events', connectionId];
}

interface Accepted extends JournalPosition {
  /** Cursor of the events' stream at which this epoch's `seq` is 0: that of its break. */
  readonly base: number;
  readonly epochs: number;
  /** The break with which this epoch began; absent for the first one. */
  readonly began?: NonNullable<JournalView['break']>;
}

type Verdict = 'next' | 'known' | 'gap' | 'equivocation';

const epochsMax = 10_000;
const triesMax = 8;
/** Longer than a hello takes from its signature to us. */
const recentMs = 10_000;
const acceptedOf = (connectionId: string): Key => ['federation', 'journal-accepted', connectionId];
const endedOf = (connectionId: string, epo: string): Key => ['federation', 'journal-ended', connectionId, epo];

export class JournalInbox extends JournalSink {
  readonly #inTurn = new InTurn();

  constructor(
    private readonly store: Store,
    private readonly alarms: Alarms,
    private readonly receipts: Receipts,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  async accepted(connectionId: string): Promise<JournalPosition | null> {
    const entry = await this.store.get<Accepted>(acceptedOf(connectionId));
    return entry && positionOf(entry.value);
  }

  /** Undefined before the first hello. */
  async view(connectionId: string): Promise<JournalView | undefined> {
    const entry = await this.store.get<Accepted>(acceptedOf(connectionId));
    if (!entry) return undefined;
    const { epo, seq, began } = entry.value;
    return { epoch: epo, seq, ...(began ? { break: began } : {}) };
  }

  /** @throws WritError `session` for an epoch that ended here long ago: nobody goes back to one. */
  announced(connectionId: string, position: JournalPosition): Promise<void> {
    return this.#inTurn.run(connectionId, () => this.announcedInTurn(connectionId, position));
  }

  /** @throws WritError `session` for an epoch that no hello announced. */
  accept(connectionId: string, batch: EventBatch, raw: string): Promise<EventAck> {
    return this.#inTurn.run(connectionId, () => this.acceptInTurn(connectionId, batch, raw));
  }

  /** Forgets the events of a connection that is no more. */
  async forget(connectionId: string): Promise<void> {
    const stream = fleetEventsOf(connectionId);
    for (;;) {
      const ended = await this.store.list(['federation', 'journal-ended', connectionId], { limit: 500 });
      await this.store.commit({ deletes: [acceptedOf(connectionId), ...ended.map(({ key }) => key)] });
      if (ended.length === 0) break;
    }
    await this.store.trim(stream, await this.store.head(stream));
  }

  private async acceptInTurn(connectionId: string, batch: EventBatch, raw: string): Promise<EventAck> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const entry = await this.store.get<Accepted>(acceptedOf(connectionId));
      if (entry?.value.epo !== batch.epo) return this.otherEpoch(connectionId, batch);
      const chain = chainOf(batch);
      const verdict = await this.judge(connectionId, entry.value, batch, chain);
      if (verdict === 'gap') return { ...ackOf(entry.value), again: true };
      if (verdict === 'equivocation') await this.equivocated(connectionId, entry.value, batch, raw);
      if (verdict !== 'next') return ackOf(entry.value);
      const stored = await this.add(connectionId, entry.value, entry.version, batch, chain, raw);
      if (stored) return ackOf(stored);
    }
    throw new WritError('store_unavailable', 'Another process takes the events of this connection.');
  }

  /** Whether the batch continues what was accepted, repeats it, leaves a gap, or contradicts it. */
  private async judge(con: string, at: Accepted, batch: EventBatch, chain: readonly string[]): Promise<Verdict> {
    if (batch.seq > at.seq + 1) return 'gap';
    const last = batch.seq + batch.events.length - 1;
    const common = Math.min(last, at.seq);
    const theirs = common === batch.seq - 1 ? batch.prev : chain[common - batch.seq];
    const ours = common === at.seq ? at.h : await this.chainAt(con, at, common);
    if (ours !== undefined && ours !== theirs) return 'equivocation';
    return last > at.seq ? 'next' : 'known';
  }

  /** c(seq) of the current epoch, unless retention has taken that event away. */
  private async chainAt(connectionId: string, { epo, base }: Accepted, seq: number): Promise<string | undefined> {
    if (seq === 0) return chainStart(connectionId, epo);
    const [row] = await this.store.read<JournalEntry>(fleetEventsOf(connectionId), { after: base + seq - 1, limit: 1 });
    return row?.cursor === base + seq && row.value.kind === 'event' ? row.value.h : undefined;
  }

  /** One commit: the new events, the new position and the receipt. Null when another process was faster. */
  private async add(
    connectionId: string,
    at: Accepted,
    version: string,
    batch: EventBatch,
    chain: readonly string[],
    raw: string,
  ): Promise<Accepted | null> {
    const time = this.time();
    const fresh = at.seq + 1 - batch.seq;
    const entries = batch.events.slice(fresh).map((event, index): JournalEntry => {
      return { kind: 'event', epo: at.epo, seq: at.seq + 1 + index, h: chain[fresh + index] ?? '', event, at: time };
    });
    const next: Accepted = { ...at, seq: at.seq + entries.length, h: chain.at(-1) ?? at.h };
    const key = acceptedOf(connectionId);
    const commit: Commit = {
      checks: [{ key, version }],
      puts: [{ key, value: next }],
      appends: entries.map((value) => ({ stream: fleetEventsOf(connectionId), value })),
    };
    const result = await this.receipts.record(
      connectionId,
      [{ kind: 'event', raw, from: { epo: batch.epo, seq: at.seq + 1 } }],
      commit,
    );
    return result.ok ? next : null;
  }

  private async announcedInTurn(connectionId: string, position: JournalPosition): Promise<void> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const entry = await this.store.get<Accepted>(acceptedOf(connectionId));
      if (entry?.value.epo === position.epo) return this.compare(connectionId, entry.value, position);
      if (await this.turnEpoch(connectionId, entry, position)) return;
    }
    throw new WritError('store_unavailable', 'Another process takes the events of this connection.');
  }

  private async turnEpoch(
    connectionId: string,
    entry: { readonly value: Accepted; readonly version: string } | null,
    { epo, before }: JournalPosition,
  ): Promise<boolean> {
    const old = entry?.value ?? null;
    const ended = await this.store.get(endedOf(connectionId, epo));
    if (ended || (old && old.epochs >= epochsMax)) await this.refuseEpoch(connectionId, epo);
    const stream = fleetEventsOf(connectionId);
    const base = (await this.store.head(stream)) + 1;
    const accepted = old && { epo: old.epo, seq: old.seq };
    const at = this.time();
    const value: JournalEntry = { kind: 'break', epo, accepted, ...(before ? { before } : {}), at };
    const h = chainStart(connectionId, epo);
    const began = old ? { began: breakAfter(old, before, at) } : {};
    const next: Accepted = { epo, seq: 0, h, base, epochs: (old?.epochs ?? 0) + 1, ...began };
    const key = acceptedOf(connectionId);
    const result = await this.store.commit({
      checks: [{ key, version: entry?.version ?? null }],
      puts: [{ key, value: next }, ...(old ? [{ key: endedOf(connectionId, old.epo), value: positionOf(old) }] : [])],
      appends: [{ stream, value }],
    });
    return result.ok;
  }

  /** A spoke's head is never behind what it had acknowledged, and never another chain at the same number. */
  private async compare(connection: string, at: Accepted, { seq, h }: JournalPosition): Promise<void> {
    const behind = seq < at.seq;
    if (!behind && (seq > at.seq || h === at.h)) return;
    if (behind && (await this.isRecent(connection, at))) return;
    const detail = `The spoke's journal stands at ${seq}, ours at ${at.seq} of the same epoch.`;
    const kind = behind ? 'journal_rewound' : 'journal_equivocation';
    await this.alarms.raise({ kind, connection, detail, subject: at.epo });
  }

  /** Over one of several links a hello may come later than what was journaled after it and came over another. */
  private async isRecent(connectionId: string, { base, seq }: Accepted): Promise<boolean> {
    const [last] = await this.store.read<JournalEntry>(fleetEventsOf(connectionId), {
      after: base + seq - 1,
      limit: 1,
    });
    return last !== undefined && this.now() - Date.parse(last.value.at) < recentMs;
  }

  /** A late message of an ended epoch is a duplicate; one of an unknown epoch has to be announced first. */
  private async otherEpoch(connectionId: string, { epo }: EventBatch): Promise<EventAck> {
    const ended = await this.store.get<JournalPosition>(endedOf(connectionId, epo));
    if (ended) return ackOf(ended.value);
    throw new WritError('session', 'The epoch of these events was not announced: say hello again.');
  }

  private async refuseEpoch(connection: string, epo: string): Promise<never> {
    const detail = 'The spoke went back to a journal epoch that had ended.';
    await this.alarms.raise({ kind: 'journal_equivocation', connection, detail, subject: `back to ${epo}` });
    throw new WritError('session', detail);
  }

  private async equivocated(connection: string, at: Accepted, batch: EventBatch, raw: string): Promise<void> {
    const contested = Math.min(batch.seq + batch.events.length - 1, at.seq);
    const earlier = await this.receipts.eventMessage(connection, batch.epo, contested);
    const detail = 'The spoke signed two different journals for the same numbers.';
    const evidence = earlier === undefined ? [raw] : [earlier, raw];
    await this.alarms.raise({ kind: 'journal_equivocation', connection, detail, subject: batch.epo, evidence });
  }

  private time(): string {
    return new Date(this.now()).toISOString();
  }
}

function breakAfter({ epo, seq }: Accepted, before: JournalPosition['before'], at: string) {
  const journaled = before?.epo === epo ? { journaled: before.seq } : {};
  return { at, epoch: epo, accepted: seq, ...journaled };
}

function positionOf({ epo, seq, h }: JournalPosition): JournalPosition {
  return { epo, seq, h };
}

function ackOf({ epo, seq, h }: JournalPosition): EventAck {
  return { epo, seq, h };
}
