// The spoke's journal: every event of a connection once, in order, until the hub has acknowledged it.
import { setTimeout } from 'node:timers/promises';
import { chainStart, eventBytesMax, WritError } from '#protocol';
import type { Commit, Key, Store } from '#store';
import type { Alarms } from '../connections/alarms.js';
import type { Receipts } from '../receipts/receipts.js';
import { Delivery, type DeliveryStart } from './delivery.js';
import { InTurn } from './in-turn.js';
import { admit, type Omission } from './omission.js';
import { JournalSource, type EventAck, type EventBatch, type JournalPosition, type JournalView } from './position.js';
import {
  beginEpoch,
  extend,
  journalOf,
  openStanding,
  positionOf,
  standingOf,
  viewOf,
  walk,
  type Standing,
} from './standing.js';

export interface JournalOptions {
  /** A message without events at least this often, also under traffic. 15 s by default. */
  readonly heartbeatMs?: number;
  /** Output goes into the journal of an absent hub up to this. 16 MiB by default. */
  readonly outputBytesMax?: number;
  /** From here on `full` says so. 64 MiB by default. */
  readonly fullBytes?: number;
}

/** What an append did: the position after it, or the first key whose check failed, and then nothing was written. */
export type Appended =
  { readonly ok: true; readonly position: JournalPosition } | { readonly ok: false; readonly conflict: Key };

const omissionsOf = (connectionId: string): Key => ['federation', 'journal-omission', connectionId];
const omissionOf = (connectionId: string, subject: string): Key => [
  'federation',
  'journal-omission',
  connectionId,
  subject,
];
const triesMax = 8;
/** With a marker before each they still fit into one commit of the store. */
const appendMax = 450;

export class Journal extends JournalSource {
  readonly #inTurn = new InTurn();
  /** By connection: one for each link, as different processes of the hub have links of their own. */
  readonly #deliveries = new Map<string, Set<Delivery>>();
  /** By connection: a hello named less than what was acknowledged, up to here. */
  readonly #doubts = new Map<string, number>();
  readonly #options: Required<JournalOptions>;

  constructor(
    private readonly store: Store,
    private readonly alarms: Alarms,
    private readonly receipts: Receipts,
    options: JournalOptions = {},
  ) {
    super();
    this.#options = { heartbeatMs: 15_000, outputBytesMax: 16 * 2 ** 20, fullBytes: 64 * 2 ** 20, ...options };
  }

  async position(connectionId: string): Promise<JournalPosition> {
    return positionOf((await openStanding(this.store, connectionId)).standing);
  }

  /** Undefined before the first link. */
  async view(connectionId: string): Promise<JournalView | undefined> {
    const entry = await this.store.get<Standing>(standingOf(connectionId));
    return entry ? viewOf(entry.value) : undefined;
  }

  /**
   * Appends events and whatever else the caller commits with them (its source cursor, its lease's fence), all or nothing.
   * Durable before it is sent. Two processes never append to one point: the standing's version in the commit is the fence.
   * @throws WritError `too_large` for an event that fits into no message, or more than 450 of them.
   */
  append(connectionId: string, events: readonly string[], also: Commit = {}): Promise<Appended> {
    if (events.length > appendMax) throw new WritError('too_large', `At most ${appendMax} events at once.`);
    for (const event of events) {
      if (Buffer.byteLength(event) > eventBytesMax) throw new WritError('too_large', 'An event fits into no message.');
    }
    return this.#inTurn.run(connectionId, () => this.appendInTurn(connectionId, events, also));
  }

  /** Whether what waits for the hub has filled the journal: new spawns of that connection are then refused. */
  async full(connectionId: string): Promise<boolean> {
    const { standing } = await openStanding(this.store, connectionId);
    return waitingBytes(standing) >= this.#options.fullBytes;
  }

  async *batches(
    connectionId: string,
    accepted: JournalPosition | null,
    signal: AbortSignal,
  ): AsyncGenerator<EventBatch> {
    const start = await this.reconcile(connectionId, accepted);
    const delivery = new Delivery(this.store, connectionId, this.#options.heartbeatMs);
    const all = this.#deliveries.get(connectionId) ?? new Set();
    this.#deliveries.set(connectionId, all.add(delivery));
    try {
      yield* delivery.run(start, signal);
    } finally {
      all.delete(delivery);
    }
  }

  acknowledged(connectionId: string, ack: EventAck, raw: string): Promise<void> {
    return this.#inTurn.run(connectionId, () => this.acknowledgedInTurn(connectionId, ack, raw));
  }

  /** Events that the hub has not acknowledged. */
  async unacknowledged(connectionId: string): Promise<number> {
    const entry = await this.store.get<Standing>(standingOf(connectionId));
    return entry ? entry.value.head.seq - entry.value.acked.seq : 0;
  }

  /** Forgets the journal of a connection that is no more. */
  async forget(connectionId: string): Promise<void> {
    const stream = journalOf(connectionId);
    for (;;) {
      const omissions = await this.store.list(omissionsOf(connectionId), { limit: 500 });
      await this.store.commit({ deletes: [standingOf(connectionId), ...omissions.map(({ key }) => key)] });
      if (omissions.length === 0) break;
    }
    await this.store.trim(stream, await this.store.head(stream));
  }

  private async appendInTurn(connectionId: string, events: readonly string[], also: Commit): Promise<Appended> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const { standing, version } = await openStanding(this.store, connectionId);
      const { next, commit } = await this.plan(connectionId, standing, events);
      const own = { key: standingOf(connectionId), version };
      const result = await this.store.commit(joined(commit, { ...also, checks: [own, ...(also.checks ?? [])] }));
      if (result.ok) return { ok: true, position: positionOf(next) };
      if (result.conflict.join('\0') !== own.key.join('\0')) return result;
      await setTimeout(Math.random() * 2 ** tries);
    }
    throw new WritError('store_unavailable', 'Another process writes this journal.');
  }

  private async plan(connectionId: string, standing: Standing, events: readonly string[]) {
    const before = await this.omissions(connectionId, standing);
    const room = this.#options.outputBytesMax - waitingBytes(standing);
    const { rows, omissions } = admit(events, room, before);
    const next: Standing = { ...standing, head: extend(standing.head, rows), omitted: omissions.size };
    const commit: Commit = {
      puts: [{ key: standingOf(connectionId), value: next }, ...changedOmissions(connectionId, before, omissions)],
      deletes: [...before.keys()].filter((one) => !omissions.has(one)).map((one) => omissionOf(connectionId, one)),
      appends: rows.map((value) => ({ stream: journalOf(connectionId), value })),
    };
    return { next, commit };
  }

  private async omissions(connectionId: string, { omitted }: Standing): Promise<ReadonlyMap<string, Omission>> {
    if (omitted === 0) return new Map();
    const entries = await this.store.list<Omission>(omissionsOf(connectionId));
    return new Map(entries.map(({ value }) => [value.subject, value]));
  }

  private async acknowledgedInTurn(connectionId: string, ack: EventAck, raw: string): Promise<void> {
    const { standing, version } = await openStanding(this.store, connectionId);
    if (ack.epo !== standing.epo) return;
    if (ack.seq > standing.acked.seq) await this.prune(connectionId, standing, version, ack, raw);
    if (ack.again)
      for (const delivery of this.#deliveries.get(connectionId) ?? [])
        delivery.rewind(Math.max(ack.seq, standing.acked.seq));
  }

  private async prune(connectionId: string, standing: Standing, version: string, ack: EventAck, raw: string) {
    const acked = await this.covered(connectionId, standing, ack);
    if (!acked && (await this.hasMoved(connectionId, version))) return this.acknowledgedInTurn(connectionId, ack, raw);
    if (!acked) return this.disputed(connectionId, ack, raw);
    const key = standingOf(connectionId);
    const checks = [{ key, version }];
    const result = await this.store.commit({
      checks,
      puts: [{ key, value: { ...standing, acked, before: undefined } }],
    });
    if (!result.ok) return this.acknowledgedInTurn(connectionId, ack, raw);
    await this.receipts.record(connectionId, [{ kind: 'ack', raw }]);
    await this.store.trim(journalOf(connectionId), standing.base + acked.seq);
  }

  /** Another process has written since that version: what it trimmed may have been missed. */
  private async hasMoved(connectionId: string, version: string): Promise<boolean> {
    return (await openStanding(this.store, connectionId)).version !== version;
  }

  /** The point of our chain that a position names, or null when ours is another. */
  private async covered(
    connectionId: string,
    standing: Standing,
    { seq, h }: Pick<EventAck, 'seq' | 'h'>,
  ): Promise<Standing['acked'] | null> {
    if (seq < standing.acked.seq || seq > standing.head.seq) return null;
    const count = seq - standing.acked.seq;
    const point = await walk(this.store, connectionId, standing.base, standing.acked, count);
    return point.seq === seq && point.h === h ? point : null;
  }

  /**
   * What the hub accepted has to be a point of our chain at or after the last ack. If it is not, one of the two was
   * restored from an older copy: another epoch begins, and this session ends so that hello can say so.
   */
  private async reconcile(connectionId: string, accepted: JournalPosition | null): Promise<DeliveryStart> {
    const { standing, version } = await openStanding(this.store, connectionId);
    const { epo, base, acked } = standing;
    const known = accepted?.epo === epo ? accepted : { seq: 0, h: chainStart(connectionId, epo) };
    const point = await this.covered(connectionId, standing, known);
    if (!point && (await this.hasMoved(connectionId, version))) return this.reconcile(connectionId, accepted);
    if (point) this.#doubts.delete(connectionId);
    if (point) return { epo, base, point };
    if (this.isDoubtful(connectionId, known.seq, acked.seq)) {
      throw new WritError('session', 'More was acknowledged over another link since that hello: say it again.');
    }
    await this.#inTurn.run(connectionId, () => this.restart(connectionId, epo));
    const detail = `The hub accepted ${known.seq}, which is no point of our chain after ${acked.seq}; another epoch begins.`;
    await this.alarms.raise({ kind: 'journal_rewound', connection: connectionId, detail, subject: epo });
    throw new WritError('session', 'The journal began another epoch: say hello again.');
  }

  /**
   * With several links a hello may be older than an acknowledgement that came over another. The next one was said after it
   * for sure: whoever then still has less has lost it.
   */
  private isDoubtful(connectionId: string, accepted: number, acked: number): boolean {
    const before = this.#doubts.get(connectionId) ?? 0;
    const isOld = accepted < acked && accepted >= before;
    if (isOld) this.#doubts.set(connectionId, acked);
    else this.#doubts.delete(connectionId);
    return isOld;
  }

  private async restart(connectionId: string, epo: string): Promise<void> {
    const { standing, version } = await openStanding(this.store, connectionId);
    if (standing.epo === epo) await beginEpoch(this.store, connectionId, { value: standing, version });
  }

  private disputed(connection: string, { seq }: EventAck, raw: string): Promise<void> {
    const detail = 'The hub acknowledged what this journal never said.';
    return this.alarms.raise({
      kind: 'journal_ack_mismatch',
      connection,
      detail: `${detail} (${seq})`,
      subject: detail,
      evidence: [raw],
    });
  }
}

function waitingBytes({ head, acked }: Standing): number {
  return head.bytes - acked.bytes;
}

function changedOmissions(
  connectionId: string,
  before: ReadonlyMap<string, Omission>,
  after: ReadonlyMap<string, Omission>,
) {
  const changed = [...after.values()].filter((one) => before.get(one.subject) !== one);
  return changed.map((one) => ({ key: omissionOf(connectionId, one.subject), value: one }));
}

function joined(a: Commit, b: Commit): Commit {
  const both = <T>(x: readonly T[] = [], y: readonly T[] = []) => [...x, ...y];
  return {
    checks: both(a.checks, b.checks),
    puts: both(a.puts, b.puts),
    deletes: both(a.deletes, b.deletes),
    appends: both(a.appends, b.appends),
  };
}
