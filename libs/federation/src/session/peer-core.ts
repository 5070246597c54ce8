// What stays of a peer when its links come and go, as its sessions see it: requests wait here, answers leave here, and here
// it is known what it said last and when it was heard.
import { checkpointsTaken, namesOfHub, namesOfSpoke, shownGrant } from '#protocol';
import type { Grant, HelloClaims, OperationName } from '#protocol';
import { jointState } from '../connections/connection.js';
import type { Connection } from '../connections/connection.js';
import type { Connections } from '../connections/connections.js';
import type { Identity } from '../identity/identity.js';
import type { JournalSink, JournalSource } from '../journal/position.js';
import type { AuditCheckpoints, HeardCheckpoint, SealCheckpoint } from '../receipts/checkpoints.js';
import type { AnswerSheet } from './answers.js';
import type { CommandHandler } from './command.js';
import { protocolVersions } from './hello.js';
import { Intake } from './intake.js';
import type { Log } from './log.js';
import { PeerRecords } from './peer-records.js';
import type { RecordTargets } from './peer-records.js';
import type { PeerRoot } from './peer-root.js';
import { Pulse } from './pulse.js';
import type { ReplayMemory } from './replay.js';
import { Requests } from './requests.js';
import { Seal } from './seal.js';
import type { Session, SessionHost } from './session.js';

/** What happened to a peer: `heard` at most once a heartbeat. */
export type PeerChange = 'connection' | 'hello' | 'heard' | 'state';

/** A grant as our hello states it. */
export interface StatedGrant {
  readonly gv: number;
  readonly grant: Grant;
}

/** What all peers of an instance share. */
export interface PeerContext extends RecordTargets {
  readonly identity: Identity;
  readonly connections: Pick<Connections, 'heard'>;
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
}

export class PeerCore implements SessionHost {
  readonly requests: Requests;
  readonly intake = new Intake(this);
  readonly records: PeerRecords;
  readonly pulse: Pulse;
  readonly seal: Seal;
  readonly source: JournalSource | undefined;
  readonly sink: JournalSink | undefined;
  /** By replica, the newest last. */
  readonly sessions = new Map<string, Session>();
  /** The newest of them. */
  session: Session | undefined;
  handler: CommandHandler | undefined;
  hello: HelloClaims | undefined;
  grantVersion = 0;
  revision = 0;
  /** Told of the connection as the registry has it after a hello. */
  took: (connection: Connection) => Promise<void> = () => Promise.resolve();
  #taken: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: PeerContext,
    public connection: Connection,
    readonly root: PeerRoot,
    private readonly changed: (what: PeerChange) => void,
  ) {
    const { identity, source, sink, now } = context;
    this.records = new PeerRecords(context, connection.id);
    this.pulse = new Pulse(this, changed);
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
    this.#taken = this.records.write(heard.then((known) => this.took(known)));
    this.changed('hello');
  }

  /** What the last hello of the peer made of our own half is known, and goes into our next one. */
  taken(): Promise<void> {
    return this.#taken;
  }

  ready(session: Session): void {
    const replica = session.replica ?? '';
    const older = this.sessions.get(replica);
    this.sessions.delete(replica);
    this.sessions.set(replica, session);
    this.session = session;
    if (older && older.link !== session.link) older.close(1000, 'displaced by a newer link');
    this.pulse.heard(this.now());
    this.requests.circuit.tryNow();
    this.requests.resume();
    this.pulse.judge();
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
    this.pulse.judge();
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
    return this.records.write(said);
  }

  answer(sheet: AnswerSheet): void {
    this.session?.sender.answer(sheet);
  }
}
