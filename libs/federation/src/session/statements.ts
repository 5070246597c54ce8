// Key statements between links and registry: what peers say of their keys is kept, and what we say of ours is said on every link.
import { RefusedError, WritError } from '#protocol';
import type { KeyStatement } from '#protocol';
import type { Connection } from '../connections/connection.js';
import type { PeerKeys } from '../connections/peer-keys.js';
import type { Identity } from '../identity/identity.js';
import { Rate } from '../rate.js';
import type { Log } from './log.js';
import { PeerRoot } from './peer-root.js';
import type { Peer } from './peer.js';

export interface StatementsOptions {
  readonly identity: Identity;
  readonly peerKeys: PeerKeys;
  readonly now: () => number;
  readonly log: Log;
  /** Every peer there is. */
  readonly all: () => readonly Peer[];
}

/** Old statements that are looked at as an alarm, at once and a second: anybody may have kept one, and say it again and again. */
const rollbacks = [20, 1] as const;

export class Statements {
  readonly #roots = new Map<string, PeerRoot>();
  readonly #rollbacks = new Rate(...rollbacks);
  #stated = '';
  #keeping: Promise<void> = Promise.resolve();

  constructor(private readonly options: StatementsOptions) {}

  /** Of an instance that some connection is with. */
  root(instanceId: string): PeerRoot | undefined {
    return this.#roots.get(instanceId);
  }

  /** With the statement that is kept of it. */
  async rootOf({ id, peer }: Connection): Promise<PeerRoot> {
    const { now, log, peerKeys } = this.options;
    const root = this.#roots.get(peer.id) ?? new PeerRoot(peer.rootJwk, now);
    this.#roots.set(peer.id, root);
    const { token } = await peerKeys.latest(id);
    try {
      root.learn(token);
    } catch (error) {
      log(`The kept key statement of ${peer.name} is of no use any more; the next link brings a new one.`, error);
    }
    return root;
  }

  /** One after another, so that one that goes back meets the one it goes back behind: then the registry raises the alarm. */
  learned(root: PeerRoot, raw: string): void {
    const statement = root.wasIssued(raw);
    if (!statement) return;
    for (const { id } of this.with(root.id)) this.inTurn(() => this.options.peerKeys.learn(id, statement));
  }

  rolledBack(root: PeerRoot, raw: string): void {
    if (this.#rollbacks.take()) this.learned(root, raw);
  }

  /** One that people brought; what was said under the old one is cut off. @throws WritError `key_invalid` */
  async learn({ host, connection }: Peer, token: string): Promise<KeyStatement> {
    const statement = learnedFrom(host.root, token);
    const same = this.with(connection.peer.id);
    for (const { id } of same) await this.options.peerKeys.learn(id, statement);
    for (const one of same) one.drop(1012, 'begin anew');
    return statement;
  }

  /** What is said on every link from the first message on. */
  begin(): void {
    this.#stated = this.options.identity.statement.token;
  }

  /** Reads the key files, which another process may have changed. */
  look(): void {
    try {
      this.options.identity.refresh();
      this.state();
    } catch (error) {
      this.options.log('The key files could not be read.', error);
    }
  }

  /** Says a new one of ours on every link at once. */
  state(): void {
    const { statement } = this.options.identity;
    if (statement.token === this.#stated) return;
    this.#stated = statement.token;
    for (const peer of this.options.all()) {
      peer.stateKeys();
      this.keepStated(peer.connection);
    }
  }

  /** Ours, as that connection heard it. */
  keepStated({ id, ours }: Connection): void {
    const { identity, peerKeys } = this.options;
    const { statement } = identity;
    if (ours.state !== 'closed') this.inTurn(() => peerKeys.stated(id, statement));
  }

  /** Resolves when what was to be kept is. */
  settled(): Promise<void> {
    return this.#keeping;
  }

  private with(instanceId: string): readonly Peer[] {
    return this.options.all().filter(({ connection }) => connection.peer.id === instanceId);
  }

  private inTurn(keep: () => Promise<void>): void {
    const failed = (error: unknown): void => this.options.log('A key statement was not kept.', error);
    this.#keeping = this.#keeping.then(keep).catch(failed);
  }
}

function learnedFrom(root: PeerRoot, token: string): KeyStatement {
  try {
    return root.learn(token);
  } catch (cause) {
    if (!(cause instanceof RefusedError || cause instanceof WritError)) throw cause;
    const detail = 'It is not a statement of the root of that peer, or older than the one that is known.';
    throw new WritError('key_invalid', detail, { cause });
  }
}
