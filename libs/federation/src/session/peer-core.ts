// What stays of a peer when its links come and go, as its sessions see it: requests wait here, answers leave here, and here
// it is known what it said last and when it was heard.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { checkpointsTaken, namesOfHub, namesOfSpoke, shownGrant } from '#protocol';
import type { Grant, HelloClaims, OperationName, ResultClaims } from '#protocol';
import type { Alarms } from '../connections/alarms.js';
import { jointState } from '../connections/connection.js';
import type { Connection } from '../connections/connection.js';
import type { Connections } from '../connections/connections.js';
import type { Identity } from '../identity/identity.js';
import type { JournalSink, JournalSource } from '../journal/position.js';
import type { AuditCheckpoints, HeardCheckpoint, SealCheckpoint } from '../receipts/checkpoints.js';
import type { ReceiptDraft, Receipts } from '../receipts/receipts.js';
import type { AnswerSheet } from './answers.js';
import type { CommandHandler } from './command.js';
import { protocolVersions } from './hello.js';
import { Intake } from './intake.js';
import type { Log } from './log.js';
import type { PeerRoot } from './peer-root.js';
import type { ReplayMemory, Write } from './replay.js';
import { Requests } from './requests.js';
import { Seal } from './seal.js';
import type { Session, SessionHost } from './session.js';
import { ToldResults } from './told.js';

/**
 * `ready`: there is a session, and the peer was heard within `heardMs`. `connecting`: there is none yet, or none at the moment.
 * `lost`: it was not heard for so long.
 */
export type PeerState = 'connecting' | 'ready' | 'lost';

/** What happened to a peer: `heard` at most once a heartbeat. */
export type PeerChange = 'connection' | 'hello' | 'heard' | 'state';

/** A grant as our hello states it. */
export interface StatedGrant {
  readonly gv: number;
  readonly grant: Grant;
}

/** What all peers of an instance share. */
export interface PeerContext {
  readonly identity: Identity;
  readonly connections: Pick<Connections, 'heard'>;
  readonly alarms: Pick<Alarms, 'raise'>;
  readonly receipts: Pick<Receipts, 'record' | 'resultMessage'>;
  readonly audit: AuditCheckpoints;
  readonly replay: ReplayMemory;
  readonly source?: JournalSource;
  readonly sink?: JournalSink;
  /** Names this process among those that share its store. */
  readonly replica: string;
  /** The operations that are served here; none on a hub. */
  readonly ops: readonly OperationName[];
  readonly grantOf?: (connectionId: string) => Promise<StatedGrant | null>;
  readonly now: () => number;
  /** Beyond it a peer that is not heard counts as lost: three heartbeats. */
  readonly heardMs: number;
  readonly log: Log;
}

/** For how long refusals of one peer are gathered before they are kept. */
const refusalsMs = 50;

export class PeerCore implements SessionHost {
  readonly requests: Requests;
  readonly intake = new Intake(this);
  readonly seal: Seal;
  readonly source: JournalSource | undefined;
  readonly sink: JournalSink | undefined;
  /** By replica, the newest last. */
  readonly sessions = new Map<string, Session>();
  /** The newest of them. */
  session: Session | undefined;
  handler: CommandHandler | undefined;
  hello: HelloClaims | undefined;
  lastHeardAt: number | undefined;
  roundTripMs: number | undefined;
  clockDifferenceS: number | undefined;
  grantVersion = 0;
  revision = 0;
  state: PeerState = 'connecting';
  /** Told of the connection as the registry has it after a hello. */
  took: (connection: Connection) => Promise<void> = () => Promise.resolve();
  #taken: Promise<void> = Promise.resolve();
  readonly #since: number;
  readonly #writes = new Set<Promise<unknown>>();
  readonly #told = new ToldResults();
  readonly #drafts: ReceiptDraft[] = [];
  readonly #refusals: ReceiptDraft[] = [];
  #keeping: Promise<void> | undefined;
  #gathering: Promise<void> | undefined;

  constructor(
    private readonly context: PeerContext,
    public connection: Connection,
    readonly root: PeerRoot,
    private readonly changed: (what: PeerChange) => void,
  ) {
    const { identity, source, sink, now } = context;
    this.#since = now();
    this.seal = new Seal(identity, root.id, connection.id, now);
    this.source = connection.we === 'spoke' ? source : undefined;
    this.sink = connection.we === 'hub' ? sink : undefined;
    this.requests = new Requests(now);
    this.requests.wake = () => this.session?.sender.wake();
  }

  get now(): () => number {
    return this.context.now;
  }

  get heardMs(): number {
    return this.context.heardMs;
  }

  get log(): Log {
    return this.context.log;
  }

  get replay(): ReplayMemory {
    return this.context.replay;
  }

  get standing(): PeerRoot['standing'] {
    return this.root.standing;
  }

  get theirGrantVersion(): number {
    return this.hello?.gv ?? 0;
  }

  statement(): string {
    return this.context.identity.statement.token;
  }

  async greeting(named: readonly string[]) {
    const { connection, source, sink, context } = this;
    const [journal, stated] = await Promise.all([
      source ? source.position(connection.id) : sink?.accepted(connection.id),
      context.grantOf?.(connection.id),
    ]);
    this.grantVersion = stated?.gv ?? 0;
    const { replica, ops } = context;
    const facts = {
      versions: [...protocolVersions],
      ops: [...ops, ...(connection.we === 'hub' ? namesOfHub : namesOfSpoke), checkpointsTaken],
      replica,
      half: this.connection.ours,
    };
    return {
      ...facts,
      ...(journal && { journal }),
      ...(stated && { gv: stated.gv, grant: shownGrant(stated.grant, named) }),
    };
  }

  greeted(hello: HelloClaims): void {
    const { connection } = this;
    this.hello = hello;
    if (hello.half.counter > connection.theirs.counter) this.connection = { ...connection, theirs: hello.half };
    const heard = this.context.connections.heard(connection.id, hello.half);
    this.#taken = this.write(heard.then((known) => this.took(known)));
    this.changed('hello');
  }

  /** What the last hello of the peer made of our own half is known, and goes into our next one. */
  taken(): Promise<void> {
    return this.#taken;
  }

  /** An acknowledgement of what was sent then: they heard it, and this is how long it took. */
  answered(sentAtMs: number): void {
    this.roundTripMs = this.now() - sentAtMs;
    this.heard(sentAtMs);
  }

  heard(atMs: number): void {
    if (atMs <= (this.lastHeardAt ?? 0)) return;
    this.lastHeardAt = atMs;
    this.changed('heard');
    this.judge();
  }

  clock(differenceS: number | undefined): void {
    this.clockDifferenceS = differenceS;
    if (differenceS !== undefined) this.changed('state');
  }

  ready(session: Session): void {
    const replica = session.replica ?? '';
    const older = this.sessions.get(replica);
    this.sessions.delete(replica);
    this.sessions.set(replica, session);
    this.session = session;
    if (older && older.link !== session.link) older.close(1000, 'displaced by a newer link');
    this.heard(this.now());
    this.requests.circuit.tryNow();
    this.requests.resume();
    this.judge();
    void this.say(this.context.audit.open(this.connection.id));
  }

  ended(session: Session, left: readonly AnswerSheet[]): void {
    const replica = session.replica ?? '';
    if (this.sessions.get(replica) === session) this.sessions.delete(replica);
    this.session = [...this.sessions.values()].at(-1);
    for (const sheet of left) {
      sheet.queued = false;
      this.answer(sheet);
    }
    this.judge();
  }

  told(claims: ResultClaims, raw: string, wanted: boolean): void {
    const contradicts = this.#told.contradicts(claims);
    if (wanted) this.#told.keep(claims);
    if (contradicts) void this.write(this.equivocated(claims.req.jti, raw, wanted));
  }

  /** The first of the two is in the log: its proof. */
  private async equivocated(jti: string, raw: string, wanted: boolean): Promise<void> {
    const { receipts, alarms } = this.context;
    await Promise.allSettled([this.#keeping, this.#gathering, ...this.#writes]);
    const before = await receipts.resultMessage(this.connection.id, jti);
    if (!wanted) await this.kept('result', raw);
    const evidence = before === undefined ? [raw] : [before, raw];
    const detail = 'The peer signed two different results for one command.';
    const connection = this.connection.id;
    await alarms.raise({ kind: 'result_equivocation', connection, detail, subject: jti, evidence });
  }

  checkpoint(heard: HeardCheckpoint): void {
    if (jointState(this.connection) !== 'pending')
      void this.say(this.context.audit.take(this.connection.id, heard, this.sealCheckpoint));
  }

  /** Signs our audit log when that is due, or whatever is new in it. Resolves when it is kept. */
  async signAudit(when: 'due' | 'now'): Promise<void> {
    if (jointState(this.connection) === 'pending') return;
    await this.say(this.context.audit.make(this.connection.id, this.sealCheckpoint, when));
  }

  readonly sealCheckpoint: SealCheckpoint = (claims) => this.seal.message('writ-ckpt+jws', claims);

  /** To whoever takes checkpoints; who does not, or is away, is shown the last one later. */
  private say(making: Promise<string | undefined>): Promise<void> {
    const said = making.then((raw) => {
      if (raw !== undefined && this.hello?.ops.includes(checkpointsTaken)) this.session?.link.send(raw);
    });
    return this.write(said);
  }

  answer(sheet: AnswerSheet): void {
    this.session?.sender.answer(sheet);
  }

  reused(connection: string, raw: string): void {
    const detail = 'Another message came under the id of one that was taken before.';
    void this.write(this.context.alarms.raise({ kind: 'replay', connection, detail, evidence: [raw] }));
  }

  readonly recorder =
    (raw: string): Write =>
    (record) =>
      this.context.receipts.record(this.connection.id, [{ kind: 'command', raw }], record);

  /** What comes in one turn of the event loop is kept in one commit. */
  kept(kind: 'command' | 'result', raw: string): Promise<void> {
    this.#drafts.push({ kind, raw });
    return (this.#keeping ??= nextTurn().then(() => {
      this.#keeping = undefined;
      return this.keep(this.#drafts);
    }));
  }

  /** Nobody waits for it, and a peer that lies may send a thousand a second: a commit for each would hold up the others. */
  keptRefusal(raw: string, refusal: string): void {
    this.#refusals.push({ kind: 'command', raw }, { kind: 'refusal', raw: refusal });
    this.#gathering ??= pause(refusalsMs).then(() => {
      this.#gathering = undefined;
      return this.keep(this.#refusals);
    });
  }

  private keep(drafts: ReceiptDraft[]): Promise<void> {
    return this.write(this.context.receipts.record(this.connection.id, drafts.splice(0)));
  }

  /** Resolves when what was to be recorded is. */
  async settled(): Promise<void> {
    await Promise.all([this.#keeping, this.#gathering]);
    await Promise.allSettled(this.#writes);
  }

  /** Applies the rule of three heartbeats. */
  judge(): void {
    const state = this.judged();
    if (state === this.state) return;
    this.state = state;
    this.changed('state');
  }

  private judged(): PeerState {
    const silentMs = this.now() - (this.lastHeardAt ?? this.#since);
    const joint = jointState(this.connection);
    const beats = joint === 'active' || joint === 'suspended';
    if (this.sessions.size > 0 && (!beats || silentMs <= this.context.heardMs)) return 'ready';
    return silentMs > this.context.heardMs ? 'lost' : 'connecting';
  }

  private write(writing: Promise<unknown>): Promise<void> {
    this.#writes.add(writing);
    const done = writing.then(
      () => undefined,
      (error: unknown) => this.log('A record could not be written.', error),
    );
    return done.finally(() => this.#writes.delete(writing));
  }
}
