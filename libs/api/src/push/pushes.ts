// Push notifications of A2A: who wants to be told of a task is, by a courier of its own, until the task is over or nobody wants it any
// more. What is kept is in the store, so that a restart or another replica goes on.
import { randomUUID } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import { WritError } from '#protocol';
import type { Store } from '#store';
import type { Logger } from 'pino';
import type { Gateway } from '../gateway.js';
import { Notifier, type PushConfig, type PushPlace } from '../a2a/notifier.js';
import type { PushConfigIn } from '../a2a/requests.js';
import type { InstanceKey } from '../a2a/signature.js';
import { Courier } from '../webhooks/courier.js';
import { Receiver } from '../webhooks/receiver.js';
import { Standings } from '../webhooks/standings.js';
import { tempo, type Tempo } from '../webhooks/tempo.js';
import { pushHeaders } from './headers.js';
import { concerns, noteOf } from './note.js';
import { nameOf, PushRecords, type PushRecord } from './records.js';

/** For one task, and for all tasks of this instance that are not over. */
const [perTaskMax, inAllMax] = [10, 500];
/** How often is looked for what another replica has taken on. */
const lookMs = 30_000;

export interface PushesParts {
  readonly gateway: Gateway;
  readonly store: Store;
  /** This process among those on the store. */
  readonly owner: string;
  readonly key: () => InstanceKey;
  /** Judges every address before it is dialled. */
  readonly addresses: { check(url: string): URL; lookupFor(url: URL): LookupFunction };
  readonly log: Logger;
  readonly tempo?: Partial<Tempo>;
}

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class Pushes extends Notifier {
  private readonly records: PushRecords;
  private readonly standings: Standings;
  private readonly tempo: Tempo;
  private readonly running = new Map<string, Running>();
  private readonly cutting = new AbortController();
  private looking: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(private readonly of: PushesParts) {
    super();
    this.records = new PushRecords(of.store);
    this.standings = new Standings(of.store, of.owner, 'push');
    this.tempo = { ...tempo, ...of.tempo };
  }

  async start(): Promise<void> {
    const look = () =>
      this.takeUp().catch((error: unknown) => this.of.log.warn({ err: error }, 'push: looked in vain'));
    this.looking = setInterval(() => void look(), lookMs).unref();
    await look();
  }

  /** A try that is under way may end and be written down, for a moment. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.looking);
    const runs = [...this.running.values()];
    for (const { stop } of runs) stop.abort();
    const cut = setTimeout(() => this.cutting.abort(), this.tempo.closeMs);
    await Promise.all(runs.map(({ done }) => done));
    clearTimeout(cut);
  }

  check({ url }: PushConfigIn): void {
    this.of.addresses.check(url);
  }

  async add(place: PushPlace, config: PushConfigIn): Promise<PushConfig> {
    this.check(config);
    const { id = randomUUID(), url, token, authentication } = config;
    const { taskId, contextId, cursor, isOver } = place;
    const record = { id, taskId, contextId, url, token, authentication, isOver };
    await this.refuseExcess(record);
    await this.records.keep(record, this.standings.first(nameOf(record), cursor ?? null));
    this.running.get(nameOf(record))?.stop.abort();
    if (!isOver) this.run(record);
    return shown(record);
  }

  async get(taskId: string, id: string): Promise<PushConfig> {
    const found = await this.records.find({ taskId, id });
    if (found) return shown(found.value);
    throw new WritError('not_found', 'This task has no push notifications of that id.');
  }

  async list(taskId: string): Promise<readonly PushConfig[]> {
    return (await this.records.ofTask(taskId)).map(shown);
  }

  async remove(taskId: string, id: string): Promise<void> {
    const name = nameOf({ taskId, id });
    await this.records.forget({ taskId, id }, this.standings.keysOf(name));
    this.running.get(name)?.stop.abort();
  }

  /** @throws WritError `rate_limited` */
  private async refuseExcess(record: PushRecord): Promise<void> {
    const there = (await this.records.ofTask(record.taskId)).filter(({ id }) => id !== record.id);
    if (there.length < perTaskMax && this.running.size < inAllMax) return;
    const detail = `A task can have ${perTaskMax} push notifications, and all tasks together ${inAllMax}.`;
    throw new WritError('rate_limited', detail);
  }

  private async takeUp(): Promise<void> {
    for (const record of await this.records.all())
      if (!record.isOver && !this.running.has(nameOf(record))) this.run(record);
  }

  private run(record: PushRecord): void {
    if (this.isClosed) return;
    const name = nameOf(record);
    const stop = new AbortController();
    const done = this.carry(record, stop.signal).finally(() => {
      if (this.running.get(name)?.stop === stop) this.running.delete(name);
    });
    this.running.set(name, { stop, done });
  }

  private async carry(record: PushRecord, signal: AbortSignal): Promise<void> {
    const { key, addresses, gateway, log } = this.of;
    const headers = (note: { readonly id: string; readonly body: string }) =>
      pushHeaders(note, record, key(), Date.now());
    const lookup = addresses.lookupFor(new URL(record.url));
    const receiver = new Receiver({ url: record.url, headers, lookup, timeoutMs: this.tempo.timeoutMs });
    const errand = {
      ...{ name: nameOf(record), what: 'push notification' },
      wants: (piece: Parameters<typeof concerns>[0]) => concerns(piece, record),
      note: (piece: Parameters<typeof concerns>[0]) => noteOf(gateway, record, piece, signal),
      isStillWanted: async () => (await this.records.find(record)) !== null,
    };
    const courier = new Courier({ ...errand, gateway, receiver, standings: this.standings, tempo: this.tempo, log });
    try {
      const ended = await courier.run(signal, this.cutting.signal);
      if (ended) await this.records.forget(record, this.standings.keysOf(errand.name));
    } finally {
      await receiver.close();
    }
  }
}

/** Secrets of the receiver stay here. */
function shown({ id, taskId, url, authentication }: PushRecord): PushConfig {
  return { id, taskId, url, ...(authentication && { authentication: { scheme: authentication.scheme } }) };
}
