// One peer as an application knows it, whatever link it is reached over.
import { idkFits, namesNeeded, operation, WritError } from '#protocol';
import type { HelloClaims, OperationName } from '#protocol';
import { jointState } from '../connections/connection.js';
import type { Connection } from '../connections/connection.js';
import type { Link } from '../links/link.js';
import type { SealCheckpoint } from '../receipts/checkpoints.js';
import { checkState } from './admission.js';
import type { CircuitState } from './circuit.js';
import type { CommandHandler } from './command.js';
import { PeerCore } from './peer-core.js';
import type { PeerChange, PeerContext } from './peer-core.js';
import type { PeerRoot } from './peer-root.js';
import type { PeerState } from './pulse.js';
import type { Answer, RequestOptions } from './request.js';
import type { SessionHost } from './session.js';

export class Peer {
  readonly #core: PeerCore;
  #greetedAtMs: number;
  /** How often our acceptance was said without an answer that knows of it. */
  #pressed = 0;

  constructor(
    context: PeerContext,
    connection: Connection,
    root: PeerRoot,
    private readonly tell: (peer: Peer, what: PeerChange) => void,
  ) {
    this.#core = new PeerCore(context, connection, root, (what) => tell(this, what));
    this.#core.took = (known) => this.turned(known);
    this.#greetedAtMs = context.now();
  }

  /** The connection id. */
  get id(): string {
    return this.connection.id;
  }

  /** With the other half as its last hello stated it. */
  get connection(): Connection {
    return this.#core.connection;
  }

  get state(): PeerState {
    return this.#core.pulse.state;
  }

  /** Epoch ms; undefined when it was not heard since this process started. */
  get lastHeardAt(): number | undefined {
    return this.#core.pulse.lastHeardAt;
  }

  /** Whether there is a session now: what our hello says reaches the other side. */
  get isConnected(): boolean {
    return this.#core.session !== undefined;
  }

  /** When the peer's key statement runs out, epoch ms; undefined while none is known that holds. */
  get keysEndAt(): number | undefined {
    return this.#core.root.statementEndsAt;
  }

  /** The kind of the link that is current. */
  get linkKind(): Link['kind'] | undefined {
    return this.#core.session?.link.kind;
  }

  /** Our clock less theirs in seconds when they are more than 30 s apart: then no session comes about. */
  get clockDifferenceS(): number | undefined {
    return this.#core.pulse.clockDifferenceS;
  }

  /** What the peer said of itself last: versions, operations, grant, half-state. */
  get hello(): HelloClaims | undefined {
    return this.#core.hello;
  }

  /** From the last message that was answered to its answer. */
  get roundTripMs(): number | undefined {
    return this.#core.requests.roundTripMs ?? this.#core.pulse.roundTripMs;
  }

  /** Whether requests pass: kills do always. */
  get circuit(): CircuitState {
    return this.#core.requests.circuit.state;
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#core.requests.size;
  }

  /** For sessions of this peer. */
  get host(): SessionHost {
    return this.#core;
  }

  /** Takes the commands of this peer from now on. */
  serve(handler: CommandHandler | undefined): void {
    this.#core.handler = handler;
  }

  /**
   * Asks the peer and resolves with its signed answer, whatever it says. Waits for a link until the deadline; after a cut the
   * request is signed anew under the same `idk`.
   * @throws WritError `operation_unknown`, `connection_inactive`, `connection_closed`, `invalid_request`, `too_large`,
   *   `rate_limited` before anything was sent; `peer_unavailable` when nothing was, at once while the circuit is open; `timed_out` when it may have been
   *   carried out; `clock`, `replay`, `schema` as the peer said.
   */
  async request(op: OperationName, args: Record<string, unknown>, options: RequestOptions = {}): Promise<Answer> {
    const known = operation(op);
    if (!known) throw new WritError('operation_unknown', `There is no operation ${op}.`);
    this.checkSpoken(namesNeeded(op, args));
    checkState(this.connection, op, known.kind);
    if (!idkFits({ op, idk: options.idk })) {
      throw new WritError('invalid_request', 'An effect has an idempotency key, a query has none.', { field: 'idk' });
    }
    return this.#core.requests.add(op, known.kind, args, options);
  }

  /** Nothing is sent that the last hello does not name: the other side may be older than we are. [F-4] */
  private checkSpoken(needed: readonly string[]): void {
    const spoken = this.hello?.ops;
    const missing = spoken && needed.find((name) => !spoken.includes(name));
    if (missing === undefined) return;
    const names = spoken?.filter((name) => spokenName.test(name)).join(', ');
    throw new WritError('operation_unknown', `The peer does not speak ${missing}. What it speaks: ${names}.`);
  }

  /** Our half, the grant or our position changed: says hello again on every link. */
  async greet(): Promise<void> {
    this.#core.revision += 1;
    this.#greetedAtMs = this.#core.now();
    for (const session of this.#core.sessions.values()) {
      await session.greet();
      session.update();
    }
  }

  /** Takes the connection as the registry has it now. */
  async changed(connection: Connection): Promise<void> {
    const before = this.connection;
    const { theirs } = before.theirs.counter > connection.theirs.counter ? before : connection;
    this.#core.connection = { ...connection, theirs };
    if (jointState(this.connection) === 'closed') this.ended(before);
    this.tell(this, 'connection');
    if (before.ours.counter !== connection.ours.counter) {
      this.#pressed = 0;
      await this.greet();
    }
    for (const session of this.#core.sessions.values()) session.update();
  }

  /** Says our key statement on every link that has not had it. */
  stateKeys(): void {
    for (const session of this.#core.sessions.values()) session.stateKeys();
  }

  /** Signs our audit log of this connection when that is due, or whatever is new in it. Resolves when it is kept. */
  signAudit(when: 'due' | 'now'): Promise<void> {
    return this.#core.signAudit(when);
  }

  /** Signs where our audit log ends, for its export. */
  get sealCheckpoint(): SealCheckpoint {
    return this.#core.sealCheckpoint;
  }

  /** Ends every session and its link. */
  drop(code: number, reason: string): void {
    for (const session of this.#core.sessions.values()) session.close(code, reason);
  }

  /** Time-outs, the rule of three heartbeats and forgetting; to be called every now and then. */
  sweep(): void {
    if (this.#core.now() - this.#greetedAtMs >= this.greetEveryMs) this.greetAgain();
    this.#core.requests.sweep();
    this.#core.intake.sweep();
    this.#core.pulse.judge();
    this.tryCircuit();
    if (this.state === 'lost') this.drop(1001, 'not heard for three heartbeats');
    this.dropSilent();
  }

  /** Whether it answers again is found out by a question of our own, so that nobody is told otherwise until somebody asks. */
  private tryCircuit(): void {
    const { circuit, size } = this.#core.requests;
    if (circuit.state !== 'half_open' || size > 0 || !this.isConnected || jointState(this.connection) !== 'active')
      return;
    this.request('instance.info', {}, { timeoutMs: trialMs }).catch(() => undefined);
  }

  /** Of several links one may be dead while the peer is heard over another. */
  private dropSilent(): void {
    const { sessions, now, heardMs } = this.#core;
    if (sessions.size < 2) return;
    const silent = [...sessions.values()].filter(({ heardAtMs }) => now() - heardAtMs > heardMs);
    for (const session of silent) session.close(1001, 'not heard for three heartbeats');
  }

  private greetAgain(): void {
    if (this.isUnanswered) this.#pressed += 1;
    void this.greet();
  }

  /** Resolves when what was to be recorded is. */
  settled(): Promise<void> {
    return this.#core.records.settled();
  }

  /** The last word of the log is signed while the other side may still hear it. */
  private ended(before: Connection): void {
    this.#core.requests.failAll(closedError());
    if (jointState(before) !== 'closed') void this.signAudit('now');
  }

  /** A hello of theirs has moved our own half; what is older than what we know already changes nothing. */
  private async turned(known: Connection): Promise<void> {
    if (known.ours.counter > this.connection.ours.counter) await this.changed(known);
  }

  /** On a direct link their answer to our hello tells that they know of our acceptance: without it, it is said again. */
  private get isUnanswered(): boolean {
    const { ours, theirs } = this.connection;
    return this.linkKind === 'https' && ours.state === 'active' && theirs.state === 'pending';
  }

  private get greetEveryMs(): number {
    const { ours, theirs } = this.connection;
    if (this.isUnanswered) return Math.min(greetAcceptedMs * 2 ** this.#pressed, greetPendingEveryMs);
    return [ours.state, theirs.state].includes('pending') ? greetPendingEveryMs : greetEveryMs;
  }
}

/** Of what a peer says of itself nothing else is repeated to people. */
const spokenName = /^[a-z][a-zA-Z.]{0,39}$/;

/** For the answer to a question that only finds out whether there is one. */
const trialMs = 5_000;
const greetEveryMs = 600_000;
/** While one half is pending: a direct link has no other way to learn of the acceptance. */
const greetPendingEveryMs = 15_000;
/** The first wait for an answer to our acceptance; each further one is twice as long, up to that of a pending half. */
const greetAcceptedMs = 1_000;

function closedError(): WritError {
  return new WritError('connection_closed', 'The connection was closed.');
}
