// Both ends of a journal for tests: real stores in one temporary folder, and a session without keys between them.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newNonce } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { Alarms } from '../connections/alarms.js';
import { Receipts } from '../receipts/receipts.js';
import { fleetEventsOf, JournalInbox, type JournalEntry } from './inbox.js';
import { Journal, type JournalOptions } from './journal.js';
import type { EventBatch } from './position.js';
import { journalOf } from './standing.js';

/** What becomes of one message on its way: everything a network and a crash can do to it. */
export type Fate = 'arrives' | 'arrives twice' | 'is held up' | 'is overtaken' | 'loses its ack' | 'cuts the link';

export class BothEnds {
  /** How far the hub's clock is ahead, in milliseconds. */
  aheadMs = 0;
  readonly con = newNonce();
  spokeStore!: Store;
  hubStore!: Store;
  journal!: Journal;
  inbox!: JournalInbox;
  #messages = 0;
  readonly #heldUp: EventBatch[] = [];
  readonly #others: Store[] = [];

  private constructor(
    private readonly folder: string,
    private readonly options: JournalOptions,
  ) {}

  static async open(options: JournalOptions = {}): Promise<BothEnds> {
    const ends = new BothEnds(mkdtempSync(join(tmpdir(), 'writ-journal-')), options);
    await ends.startSpoke();
    await ends.startHub();
    return ends;
  }

  async restartSpoke(): Promise<void> {
    await this.spokeStore.close();
    await this.startSpoke();
  }

  async restartHub(): Promise<void> {
    await this.hubStore.close();
    await this.startHub();
  }

  /** Copies one side's file away; `restore` brings that copy back, as from a backup. */
  async backup(side: 'spoke' | 'hub'): Promise<() => Promise<void>> {
    const [file, copy] = [this.file(side), `${this.file(side)}.${newNonce()}`];
    await this.stop(side);
    cpSync(file, copy);
    await this.start(side);
    return async () => {
      await this.stop(side);
      rmSync(file);
      cpSync(copy, file);
      await this.start(side);
    };
  }

  async wipe(side: 'spoke' | 'hub'): Promise<void> {
    await this.stop(side);
    rmSync(this.file(side));
    await this.start(side);
  }

  get spokeAlarms(): Alarms {
    return new Alarms(this.spokeStore);
  }

  get hubAlarms(): Alarms {
    return new Alarms(this.hubStore);
  }

  async append(events: readonly string[]): Promise<void> {
    const result = await this.journal.append(this.con, events);
    if (!result.ok) throw new Error('conflict');
  }

  /** One session: hello both ways, then messages with these fates until they run out or the link is cut. */
  async session(fates: readonly Fate[]): Promise<void> {
    const batches = this.link();
    for (const fate of fates) {
      const batch = await batches.next();
      if (batch.done || fate === 'cuts the link') break;
      if (fate === 'is held up') this.#heldUp.push(batch.value);
      else await this.carry(batch.value, fate);
    }
    await batches.return(undefined);
  }

  private async carry(batch: EventBatch, fate: Fate): Promise<void> {
    const raw = this.rawOf(batch);
    if (fate === 'is overtaken') await this.release();
    if (fate === 'arrives twice') await this.inbox.accept(this.con, batch, raw);
    const ack = await this.inbox.accept(this.con, batch, raw);
    if (fate !== 'loses its ack') await this.journal.acknowledged(this.con, ack, `ack of ${raw}`);
  }

  /** What was held up, on this link or an earlier one, arrives now. */
  private async release(): Promise<void> {
    for (const late of this.#heldUp.splice(0)) await this.inbox.accept(this.con, late, this.rawOf(late));
  }

  /** Sessions without faults until the hub has everything and the spoke knows it. */
  async settle(): Promise<void> {
    for (let tries = 0; tries < 5; tries += 1) {
      try {
        await this.settleOnce();
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== 'session') throw error;
      }
    }
    throw new Error('the two sides never settled');
  }

  async *link(signal: AbortSignal = new AbortController().signal): AsyncGenerator<EventBatch> {
    const position = await this.journal.position(this.con);
    const accepted = await this.inbox.accepted(this.con);
    await this.inbox.announced(this.con, position);
    yield* this.journal.batches(this.con, accepted, signal);
  }

  rawOf(batch: EventBatch): string {
    return JSON.stringify({ message: (this.#messages += 1), ...batch });
  }

  /** Everything that the hub keeps of this connection. */
  async kept(): Promise<readonly JournalEntry[]> {
    const entries: JournalEntry[] = [];
    for (;;) {
      const page = await this.hubStore.read<JournalEntry>(fleetEventsOf(this.con), { after: entries.length });
      if (page.length === 0) return entries;
      entries.push(...page.map(({ value }) => value));
    }
  }

  /** The events among them. */
  async events(): Promise<readonly string[]> {
    return (await this.kept()).flatMap((entry) => (entry.kind === 'event' ? [entry.event] : []));
  }

  /** How many events wait for the hub. */
  async waiting(): Promise<number> {
    return (await this.spokeStore.read(journalOf(this.con), { after: 0 })).length;
  }

  /** The journal as a second process on the same file has it. */
  async anotherSpokeProcess(): Promise<Journal> {
    const store = await openSqliteStore({ path: this.file('spoke') });
    this.#others.push(store);
    return new Journal(store, new Alarms(store), new Receipts(store), this.options);
  }

  async close(): Promise<void> {
    for (const other of this.#others) await other.close();
    await this.spokeStore.close();
    await this.hubStore.close();
    rmSync(this.folder, { recursive: true });
  }

  private async settleOnce(): Promise<void> {
    for await (const batch of this.link()) {
      const ack = await this.inbox.accept(this.con, batch, this.rawOf(batch));
      await this.journal.acknowledged(this.con, ack, 'ack');
      const { epo, seq } = await this.journal.position(this.con);
      if (ack.epo === epo && ack.seq === seq) return;
    }
  }

  private stop(side: 'spoke' | 'hub'): Promise<void> {
    return side === 'spoke' ? this.spokeStore.close() : this.hubStore.close();
  }

  private start(side: 'spoke' | 'hub'): Promise<void> {
    return side === 'spoke' ? this.startSpoke() : this.startHub();
  }

  private async startSpoke(): Promise<void> {
    this.spokeStore = await openSqliteStore({ path: this.file('spoke') });
    this.journal = new Journal(this.spokeStore, this.spokeAlarms, new Receipts(this.spokeStore), this.options);
  }

  private async startHub(): Promise<void> {
    this.hubStore = await openSqliteStore({ path: this.file('hub') });
    this.inbox = new JournalInbox(
      this.hubStore,
      this.hubAlarms,
      new Receipts(this.hubStore),
      () => Date.now() + this.aheadMs,
    );
  }

  private file(side: 'spoke' | 'hub'): string {
    return join(this.folder, side);
  }
}

/** A state event as agents write them. */
export function stateEvent(subject: string, type = 'agent.running'): string {
  return JSON.stringify({ specversion: '1.0', id: newNonce(), source: 'spoke', type, subject, time: 'now', data: {} });
}

/** An output event with that many bytes of text from an offset on. */
export function outputEvent(subject: string, offset: number, bytes: number): string {
  const data = { offset, bytes, text: 'x'.repeat(bytes) };
  return JSON.stringify({
    specversion: '1.0',
    id: newNonce(),
    source: 'spoke',
    type: 'agent.output',
    subject,
    time: 'now',
    data,
  });
}
