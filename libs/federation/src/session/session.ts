// One session: what two instances have between them from a hello whose nonces came back until the link ends.
// It gets messages that are already verified; who they are for was decided before.
import { z } from 'zod';
import {
  ackClaims,
  checkpointClaims,
  clockDifferenceS,
  eventClaims,
  helloClaims,
  lifetimeMaxS,
  newNonce,
  resultClaims,
} from '#protocol';
import type { CheckpointClaims, HelloClaims, MessageError, ResultClaims } from '#protocol';
import { jointState } from '../connections/connection.js';
import type { JournalPosition, JournalSink, JournalSource } from '../journal/position.js';
import type { Link, Reply } from '../links/link.js';
import type { AnswerSheet } from './answers.js';
import { clockWords } from './clock-words.js';
import { EventFlow } from './event-flow.js';
import { EventIntake } from './event-intake.js';
import type { Intake, IntakeTargets } from './intake.js';
import type { Opened, PeerRoot } from './peer-root.js';
import type { Requests } from './requests.js';
import type { Seal, Sealed } from './seal.js';
import { Sender } from './sender.js';

/** Versions of the protocol that this code speaks. */
export const protocolVersions: readonly number[] = [1];

/** Refusals that anybody can provoke with a copy of an old message: they leave no receipt, or a stranger could fill the log. */
const copyable: readonly MessageError[] = ['clock', 'session', 'replay'];

/** What a session needs of the peer it belongs to. */
export interface SessionHost extends IntakeTargets {
  readonly root: PeerRoot;
  readonly seal: Seal;
  readonly requests: Requests;
  readonly intake: Intake;
  readonly source: JournalSource | undefined;
  readonly sink: JournalSink | undefined;
  /** Grows whenever something changes that our hello tells. */
  readonly revision: number;
  /** The grant version of the peer's last hello. */
  readonly theirGrantVersion: number;
  /** Our current key statement. */
  statement(): string;
  /** Everything that our hello says but the nonces, to a peer whose own hello has these `ops`. */
  greeting(
    named: readonly string[],
  ): Promise<Omit<HelloClaims, 'v' | 'iss' | 'aud' | 'con' | 'jti' | 'iat' | 'exp' | 'sn' | 're'>>;
  /** What the peer says of itself in a hello that is fresh for sure. */
  greeted(hello: HelloClaims): void;
  /** Resolves when what the last hello made of our own half is known. */
  taken(): Promise<void>;
  heard(atMs: number): void;
  /** What was sent then has been answered now. */
  answered(sentAtMs: number): void;
  /** Our clock less theirs, in seconds; undefined when they agree. */
  clock(differenceS: number | undefined): void;
  /** This session is the newest one now. */
  ready(session: Session): void;
  ended(session: Session, left: readonly AnswerSheet[]): void;
  /** Results of effects and kills that were waited for, and results that nobody waits for any more. */
  told(claims: ResultClaims, raw: string, wanted: boolean): void;
  /** A checkpoint of the other side's audit log, or its countersignature of ours. */
  checkpoint(heard: { readonly claims: CheckpointClaims; readonly raw: string; readonly ref: string }): void;
  /** Keeps an exact message in the receipts; resolves when it is durable or could not be kept, which the log then tells. */
  kept(kind: 'command' | 'result' | 'refusal', raw: string): Promise<void>;
}

const compiledResults = z.compile(resultClaims);
const compiledEvents = z.compile(eventClaims);

export class Session {
  /** Our nonce: commands to us carry it. */
  readonly sn = newNonce();
  readonly sender: Sender;
  readonly #abort = new AbortController();
  readonly #flow: EventFlow | undefined;
  readonly #events: EventIntake | undefined;
  #flowing = false;
  #theirs: HelloClaims | undefined;
  #hello: Sealed | undefined;
  /** What our last hello here knew of. */
  #saidRevision = 0;
  #greeting: Promise<void> = Promise.resolve();
  #state: 'opening' | 'ready' | 'ended' = 'opening';
  /** The key statement that was said last on this link. */
  #stated: string | undefined;
  #heardAtMs: number;

  constructor(
    readonly host: SessionHost,
    readonly link: Link,
  ) {
    const { connection, source, sink, now } = host;
    this.#heardAtMs = now();
    this.sender = new Sender({
      link,
      seal: host.seal,
      requests: host.requests,
      session: () => ({ sn: this.#theirs?.sn ?? '', gv: host.theirGrantVersion }),
      asked: (raw) => void host.kept('command', raw),
      answered: (sheet, raw) => this.recorded(sheet, raw),
      drained: () => this.#flow?.wake(),
    });
    const targets = { connectionId: connection.id, sender: this.sender, now, heard: (at: number) => host.heard(at) };
    if (source) this.#flow = new EventFlow({ ...targets, source, answered: (at) => host.answered(at) });
    if (sink) this.#events = new EventIntake({ ...targets, sink, failed: (error) => this.broken(error) });
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

  /** Says where we stand, with the nonce of the other side when it is known. Later ones never overtake earlier ones. */
  greet(reply?: Reply): Promise<void> {
    this.#greeting = this.#greeting.then(async () => {
      this.#saidRevision = this.host.revision;
      const facts = await this.host.greeting(this.#theirs?.ops ?? []);
      if (this.#state === 'ended') return;
      const re = this.#theirs && { re: this.#theirs.sn };
      this.#hello = this.host.seal.message('writ-hello+jws', { sn: this.sn, ...re, ...facts }, lifetimeMaxS.hello);
      this.stateKeys(reply);
      (reply ?? this.link).send(this.#hello.raw);
    });
    this.#greeting = this.#greeting.catch((error: unknown) => this.broken(error));
    return this.#greeting;
  }

  /** Answers a hello on its own response, with what it has made of our half. */
  async greetOn(reply: Reply): Promise<void> {
    await this.host.taken();
    await this.greet(reply);
    reply.end();
  }

  /**
   * Takes the other side's hello, unless it is older than the last. What it says counts only when it brings our nonce back:
   * a copied one changes nothing. False when there is no version in common.
   */
  met(hello: HelloClaims): boolean {
    if (this.#state === 'ended' || (this.#theirs && hello.iat < this.#theirs.iat)) return true;
    this.#theirs = hello;
    if (hello.re === this.sn) this.host.greeted(hello);
    const agreed = hello.versions.some((version) => protocolVersions.includes(version));
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
      if (this.#saidRevision !== this.host.revision) void this.greet();
    }
    this.update();
  }

  /** Our key statement, unless it was said on this link: before whatever its keys sign. */
  stateKeys(reply?: Reply): void {
    const statement = this.host.statement();
    if (this.#state === 'ended' || statement === this.#stated) return;
    const first = this.#stated === undefined;
    this.#stated = statement;
    if (reply) reply.send(statement);
    else if (first) this.link.send(statement);
    else this.link.announce(statement);
  }

  /** The connection or what we know of the peer has changed. */
  update(): void {
    const state = jointState(this.host.connection);
    if (this.#state !== 'ready' || this.#flowing || state === 'pending' || state === 'closed') return;
    this.#flowing = true;
    this.#events?.begin(this.#theirs?.journal);
    const accepted: JournalPosition | null = this.#theirs?.journal ?? null;
    this.#flow?.run(accepted, this.signal).catch((error: unknown) => this.broken(error));
  }

  /** When something came over this link last, epoch ms. The peer may be heard over others all the while. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Everything but keys and hello. False refuses it uniformly. */
  take(opened: Opened, reply: Reply | undefined): boolean {
    this.#heardAtMs = this.host.now();
    if (opened.typ === 'writ-cmd+jws') this.host.intake.take(opened, this.asIntake(), reply);
    else if (opened.typ === 'writ-res+jws') return this.takeResult(opened, reply);
    else if (opened.typ === 'writ-evt+jws') return this.takeEvents(opened, reply);
    else if (opened.typ === 'writ-ack+jws') return this.takeAck(opened);
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

  private takeResult({ payload, raw }: Opened, reply: Reply | undefined): boolean {
    const parsed = compiledResults.safeParse(payload);
    if (!parsed.success) return false;
    const { req, results, err, diffS } = parsed.data;
    reply?.end();
    if (err === 'clock' && req.jti === this.#hello?.jti) this.clockRefused(diffS);
    const settled = this.host.requests.settle(parsed.data);
    if (settled?.kind !== 'query' && results) this.host.told(parsed.data, raw, settled !== undefined);
    const denied = results?.some(({ st }) => st === 'denied') ?? false;
    if (settled?.kind === 'query' && denied) void this.host.kept('command', settled.raw);
    if (settled && (settled.kind !== 'query' || denied)) void this.host.kept('result', raw);
    if (settled && err === 'session') this.close(1000, 'the other side has begun anew');
    return true;
  }

  private clockRefused(diffS = 0): void {
    this.host.clock(-diffS);
    this.host.log(`Our hello to ${this.link.remote} was refused. ${clockWords(-diffS)}`);
    this.close(1000, 'the clocks are too far apart');
  }

  private takeEvents({ payload, raw }: Opened, reply: Reply | undefined): boolean {
    const parsed = compiledEvents.safeParse(payload);
    reply?.end();
    return parsed.success && this.#flowing && this.#events !== undefined && this.#events.take(parsed.data, raw);
  }

  private takeAck({ payload, raw }: Opened): boolean {
    const parsed = ackClaims.safeParse(payload);
    if (!parsed.success || !this.#flow) return false;
    if (this.#flowing) this.#flow.acknowledged(parsed.data, raw).catch((error: unknown) => this.broken(error));
    return true;
  }

  private takeCheckpoint({ payload, raw, signingInputHash: ref }: Opened, reply: Reply | undefined): boolean {
    const parsed = checkpointClaims.safeParse(payload);
    reply?.end();
    if (parsed.success) this.host.checkpoint({ claims: parsed.data, raw, ref });
    return parsed.success;
  }

  private recorded(sheet: AnswerSheet, raw: string): Promise<void> {
    if (sheet.kind === 'query') void this.host.kept('command', sheet.raw);
    return this.host.kept('result', raw);
  }

  private broken(error: unknown): void {
    if (this.#state === 'ended') return;
    this.host.log('A session broke.', error);
    this.close(1011, 'failed');
  }
}

/** Answers a whole message with one signed word. */
export function refuseMessage(
  host: Pick<SessionHost, 'seal' | 'kept'>,
  { link, reply }: { readonly link: Link; readonly reply: Reply | undefined },
  { typ, payload, raw, signingInputHash: h }: Opened,
  err: MessageError,
  diffS?: number,
): void {
  const req = { jti: payload.jti, h };
  const refusal = host.seal.message('writ-res+jws', err === 'clock' ? { req, err, diffS } : { req, err }).raw;
  (reply ?? link).send(refusal);
  reply?.end();
  if (typ !== 'writ-cmd+jws' || copyable.includes(err)) return;
  void host.kept('command', raw);
  void host.kept('refusal', refusal);
}

/** The hello in a verified message, or why it is refused. */
export function readHello(
  payload: unknown,
  nowS: number,
): { readonly hello: HelloClaims } | { readonly err: MessageError; readonly diffS?: number } {
  const parsed = helloClaims.safeParse(payload);
  if (!parsed.success) return { err: 'schema' };
  const { iat, exp } = parsed.data;
  const diffS = clockDifferenceS(iat, nowS);
  if (diffS !== undefined) return { err: 'clock', diffS };
  return exp <= iat || exp - iat > lifetimeMaxS.hello ? { err: 'schema' } : { hello: parsed.data };
}
