// One session: what two instances have between them from a hello whose nonces came back until the link ends.
// It gets messages that are already verified; who they are for was decided before.
import { checkpointClaims, newNonce } from '#protocol';
import type { HelloClaims, MessageError } from '#protocol';
import { jointState } from '../connections/connection.js';
import type { Link, Reply } from '../links/link.js';
import type { AnswerSheet } from './answers.js';
import { clockWords } from './clock-words.js';
import { EventLane } from './event-lane.js';
import { Greeter } from './greeter.js';
import { agrees } from './hello.js';
import type { Opened } from './peer-root.js';
import { refuseMessage } from './refuse.js';
import { takeResult } from './result-desk.js';
import type { ResultTargets } from './result-desk.js';
import { Sender } from './sender.js';
import type { SessionPeer } from './session-peer.js';

/** The peer that a session belongs to. */
export interface SessionHost extends SessionPeer {
  /** This session is the newest one now. */
  ready(session: Session): void;
  ended(session: Session, left: readonly AnswerSheet[]): void;
}

export class Session {
  /** Our nonce: commands to us carry it. */
  readonly sn = newNonce();
  readonly sender: Sender;
  readonly #abort = new AbortController();
  readonly #events: EventLane;
  readonly #greeter: Greeter;
  readonly #results: ResultTargets;
  #theirs: HelloClaims | undefined;
  #state: 'opening' | 'ready' | 'ended' = 'opening';
  #heardAtMs: number;

  constructor(
    readonly host: SessionHost,
    readonly link: Link,
  ) {
    this.#heardAtMs = host.now();
    this.sender = new Sender({
      link,
      seal: host.seal,
      requests: host.requests,
      session: () => ({ sn: this.#theirs?.sn ?? '', gv: host.theirGrantVersion }),
      asked: (raw) => void host.records.kept('command', raw),
      answered: (sheet, raw) => this.recorded(sheet, raw),
      drained: () => this.#events.wake(),
    });
    const failed = (error: unknown): void => this.broken(error);
    const [theirs, isOver] = [() => this.#theirs, () => this.#state === 'ended'];
    this.#events = new EventLane(host, this.sender, failed);
    this.#greeter = new Greeter({ host, link, sn: this.sn, theirs, isOver, failed });
    this.#results = {
      host,
      greeted: (jti) => this.#greeter.said(jti),
      clockRefused: (diffS) => this.clockRefused(diffS),
      anew: () => this.close(1000, 'the other side has begun anew'),
    };
    void link.closed.then(() => this.end());
  }

  get state(): 'opening' | 'ready' | 'ended' {
    return this.#state;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The replica of the peer at the other end. */
  get replica(): string | undefined {
    return this.#theirs?.replica;
  }

  /** When something came over this link last, epoch ms. The peer may be heard over others all the while. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Says where we stand, with the nonce of the other side when it is known. Later ones never overtake earlier ones. */
  greet(reply?: Reply): Promise<void> {
    return this.#greeter.greet(reply);
  }

  /** Answers a hello on its own response, with what it has made of our half. */
  async greetOn(reply: Reply): Promise<void> {
    await this.host.taken();
    await this.greet(reply);
    reply.end();
  }

  /** Our key statement, unless it was said on this link: before whatever its keys sign. */
  stateKeys(): void {
    this.#greeter.stateKeys();
  }

  /**
   * Takes the other side's hello, unless it is older than the last. What it says counts only when it brings our nonce back:
   * a copied one changes nothing. False when there is no version in common.
   */
  met(hello: HelloClaims): boolean {
    if (this.#state === 'ended' || (this.#theirs && hello.iat < this.#theirs.iat)) return true;
    this.#theirs = hello;
    if (hello.re === this.sn) this.host.greeted(hello);
    const agreed = agrees(hello);
    if (!agreed) this.close(1000, 'no protocol version in common');
    return agreed;
  }

  /** Our nonce came back, and the other side has its own: from now on this is the session. Idempotent. */
  settle(): void {
    if (this.#state === 'opening') {
      this.#state = 'ready';
      this.stateKeys();
      this.host.ready(this);
      this.sender.open();
      // An acceptance or a grant in the middle of the handshake was told to other sessions only.
      if (this.#greeter.isBehind) void this.greet();
    }
    this.update();
  }

  /** The connection or what we know of the peer has changed. */
  update(): void {
    const state = jointState(this.host.connection);
    if (this.#state !== 'ready' || state === 'pending' || state === 'closed') return;
    this.#events.begin(this.#theirs?.journal, this.signal);
  }

  /** Everything but keys and hello. False refuses it uniformly. */
  take(opened: Opened, reply: Reply | undefined): boolean {
    this.#heardAtMs = this.host.now();
    if (opened.typ === 'writ-cmd+jws') this.host.intake.take(opened, this.asIntake(), reply);
    else if (opened.typ === 'writ-res+jws') return takeResult(this.#results, opened, reply);
    else if (opened.typ === 'writ-evt+jws') return this.#events.take(opened, reply);
    else if (opened.typ === 'writ-ack+jws') return this.#events.acknowledged(opened);
    else if (opened.typ === 'writ-ckpt+jws') return this.takeCheckpoint(opened, reply);
    return true;
  }

  /** Ends, and closes the link. */
  close(code: number, reason: string): void {
    this.end();
    this.link.close(code, reason);
  }

  /** Ends without closing the link: another session has taken it over. */
  end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#abort.abort();
    this.host.ended(this, this.sender.close());
  }

  private asIntake() {
    return {
      sn: this.#state === 'ready' ? this.sn : undefined,
      signal: this.signal,
      refuse: (opened: Opened, err: MessageError, reply?: Reply, diffS?: number) =>
        refuseMessage(this.host, { link: this.link, reply }, opened, err, diffS),
      resend: (raw: string, reply: Reply | undefined) => (reply ?? this.link).send(raw),
    };
  }

  private clockRefused(diffS: number): void {
    this.host.pulse.clock(-diffS);
    this.host.log(`Our hello to ${this.link.remote} was refused. ${clockWords(-diffS)}`);
    this.close(1000, 'the clocks are too far apart');
  }

  private takeCheckpoint({ payload, raw, signingInputHash: ref }: Opened, reply: Reply | undefined): boolean {
    const parsed = checkpointClaims.safeParse(payload);
    reply?.end();
    if (parsed.success) this.host.checkpoint({ claims: parsed.data, raw, ref });
    return parsed.success;
  }

  private recorded(sheet: AnswerSheet, raw: string): Promise<void> {
    if (sheet.kind === 'query') void this.host.records.kept('command', sheet.raw);
    return this.host.records.kept('result', raw);
  }

  private broken(error: unknown): void {
    if (this.#state === 'ended') return;
    this.host.log('A session broke.', error);
    this.close(1011, 'failed');
  }
}
