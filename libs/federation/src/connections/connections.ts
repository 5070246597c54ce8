// The registry of connections: created at pairing, changed by our people and by what the peer's hello says.
import { nonce128, WritError } from '#protocol';
import type { Commit, Entry, Key, Store } from '#store';
import type { Alarms } from './alarms.js';
import type { Connection, HalfState } from './connection.js';
import { changeHalf, hearHalf, type HalfChange } from './half-state.js';
import { standingOf } from './audit-standing.js';
import { statedOf, statementOf } from './peer-keys.js';

/** What pairing knows of a new connection. Their half starts as `pending` with counter 0. */
export interface ConnectionDraft extends Pick<Connection, 'id' | 'we' | 'peer' | 'link'> {
  readonly ours?: 'pending' | 'active';
  readonly labels?: Readonly<Record<string, string>>;
}

interface StoredConnection extends Connection {
  /** Epoch ms of the moment either half closed. */
  readonly closedAtMs?: number;
}

const closedKeptMs = 30 * 86_400_000;
const triesMax = 8;
const changesKept = 10_000;
const labelsMax = 32;
const changes: Key = ['federation', 'changes'];
const recordOf = (id: string): Key => ['federation', 'connection', id];
const nameOf = (name: string): Key => ['federation', 'connection-name', name.toLowerCase()];

/**
 * Our half takes effect with the commit, also while the other side is away; hello carries it there.
 * Names are unique among connections that are not closed, whatever their case; one peer may have several connections.
 */
export class Connections {
  constructor(
    private readonly store: Store,
    private readonly alarms: Alarms,
    private readonly now: () => number = Date.now,
  ) {}

  /** The connection and the writes that create it, for the caller's commit. A conflict on the name's key means that the name is taken. */
  draft(draft: ConnectionDraft): { readonly connection: Connection; readonly commit: Commit } {
    const { id, we, peer, link, labels = {} } = draft;
    const ours: HalfState = { state: draft.ours ?? 'pending', counter: 1 };
    const theirs: HalfState = { state: 'pending', counter: 0 };
    const connection: Connection = { id, we, peer, link, ours, theirs, labels, createdAt: this.time() };
    const commit: Commit = {
      checks: [recordOf(id), nameOf(peer.name)].map((key) => ({ key, version: null })),
      puts: [
        { key: recordOf(id), value: connection },
        { key: nameOf(peer.name), value: id },
      ],
      appends: [{ stream: changes, value: id }],
    };
    return { connection, commit };
  }

  /** The connection, also a closed one for 30 days. @throws WritError `not_found`. */
  async get(id: string): Promise<Connection> {
    return (await this.entry(id)).value;
  }

  /** All connections in no order, closed ones included. */
  async list(): Promise<readonly Connection[]> {
    const all: Connection[] = [];
    let after: Key | undefined;
    for (;;) {
      const page = await this.store.list<StoredConnection>(['federation', 'connection'], after ? { after } : {});
      all.push(...page.map(({ value }) => value));
      after = page.at(-1)?.key;
      if (after === undefined) return all;
    }
  }

  /** The connection of that name that is not closed, or null. */
  async named(name: string): Promise<Connection | null> {
    const id = await this.store.get<string>(nameOf(name));
    return id && this.get(id.value);
  }

  /** Every connection as it stands, then each again whenever it changes, until the signal. */
  async *watch(signal: AbortSignal): AsyncGenerator<Connection> {
    const since = await this.store.head(changes);
    yield* await this.list();
    for await (const { value: id } of this.store.watch<string>(changes, since, signal)) {
      const entry = await this.store.get<StoredConnection>(recordOf(id));
      if (entry) yield entry.value;
    }
  }

  /** Our people agree. */
  accept(id: string): Promise<Connection> {
    return this.turn(id, { do: 'accept' });
  }

  suspend(id: string): Promise<Connection> {
    return this.turn(id, { do: 'suspend' });
  }

  /** Takes back our own suspension; the other side's only the other side takes back. */
  resume(id: string): Promise<Connection> {
    return this.turn(id, { do: 'resume' });
  }

  /** Final. `agents` says what becomes of the agents of this connection. Idempotent; the first word counts. */
  close(id: string, { agents = 'kill' }: { readonly agents?: 'keep' | 'kill' } = {}): Promise<Connection> {
    return this.turn(id, { do: 'close', agents });
  }

  /**
   * Takes the other half from a verified hello when its counter is newer. A spoke's admin agreed when pasting the
   * invite, so a pending spoke half becomes active with the hub's acceptance.
   */
  async heard(id: string, said: HalfState): Promise<Connection> {
    const { value: known } = await this.entry(id);
    const verdict = hearHalf(known.theirs, said);
    if (verdict === 'old') return known;
    if (verdict === 'contradiction') {
      await this.contradicted(known, said);
      return known;
    }
    return this.alter(id, (current) => (hearHalf(current.theirs, said) === 'take' ? heardBy(current, said) : current));
  }

  /** Replaces the labels: up to 32, keys to 64 characters, values to 256. @throws WritError `invalid_request`. */
  async label(id: string, labels: Readonly<Record<string, string>>): Promise<Connection> {
    const pairs = Object.entries(labels);
    const fits = pairs.every(([key, value]) => key.length > 0 && key.length <= 64 && value.length <= 256);
    if (!fits || pairs.length > labelsMax) {
      throw new WritError('invalid_request', `Up to ${labelsMax} labels of 64 and 256 characters.`, {
        field: 'labels',
      });
    }
    return this.alter(id, (current) => ({ ...current, labels }));
  }

  /** Forgets connections that were closed more than 30 days ago; returns their ids. */
  async prune(): Promise<readonly string[]> {
    const before = this.now() - closedKeptMs;
    const gone = (await this.list()).filter((one: StoredConnection) => (one.closedAtMs ?? Infinity) < before);
    for (const { id } of gone)
      await this.store.commit({ deletes: [recordOf(id), statementOf(id), statedOf(id), standingOf(id)] });
    return gone.map(({ id }) => id);
  }

  private turn(id: string, change: HalfChange): Promise<Connection> {
    return this.alter(id, (current) => {
      const ours = changeHalf(current.ours, change);
      return ours === current.ours ? current : { ...current, ours };
    });
  }

  private async alter(id: string, change: (current: StoredConnection) => StoredConnection): Promise<Connection> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const { key, value, version } = await this.entry(id);
      const next = this.stamped(change(value));
      if (next === value) return value;
      const deletes = next.closedAtMs === value.closedAtMs ? [] : [nameOf(value.peer.name)];
      const appends = [{ stream: changes, value: id }];
      const result = await this.store.commit({
        checks: [{ key, version }],
        puts: [{ key, value: next }],
        deletes,
        appends,
      });
      if (result.ok) {
        await this.forgetChanges(result.cursors[0] ?? 0);
        return next;
      }
    }
    throw new WritError('store_unavailable', 'The connection changes too fast.');
  }

  private stamped(next: StoredConnection): StoredConnection {
    const closed = next.ours.state === 'closed' || next.theirs.state === 'closed';
    return closed && next.closedAtMs === undefined ? { ...next, closedAtMs: this.now() } : next;
  }

  private async forgetChanges(cursor: number): Promise<void> {
    if (cursor % changesKept === 0) await this.store.trim(changes, cursor - changesKept / 2);
  }

  private async entry(id: string): Promise<Entry<StoredConnection>> {
    const entry = nonce128.safeParse(id).success ? await this.store.get<StoredConnection>(recordOf(id)) : null;
    if (!entry) throw new WritError('not_found', 'No connection of that id.');
    return entry;
  }

  private contradicted(known: Connection, said: HalfState): Promise<void> {
    const detail = `The peer's half went from ${known.theirs.state} (${known.theirs.counter}) to ${said.state} (${said.counter}).`;
    return this.alarms.raise({ kind: 'half_state_contradiction', connection: known.id, detail });
  }

  private time(): string {
    return new Date(this.now()).toISOString();
  }
}

function heardBy(current: StoredConnection, said: HalfState): StoredConnection {
  const agrees = current.we === 'spoke' && current.ours.state === 'pending' && said.state === 'active';
  const ours: HalfState = agrees ? { state: 'active', counter: current.ours.counter + 1 } : current.ours;
  return { ...current, ours, theirs: said };
}
