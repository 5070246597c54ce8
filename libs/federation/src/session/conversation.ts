// One link from its first message to its end: keys, then hello both ways, then a session. Everything up to `con` is decided
// here, and whatever fails gets the one refusal that says nothing.
import { peekHeader, RefusedError } from '#protocol';
import type { HelloClaims } from '#protocol';
import type { Link, Reply } from '../links/link.js';
import type { Log } from './log.js';
import type { Opened, PeerRoot } from './peer-root.js';
import type { RefusalLog } from './refusals.js';
import { clockWords } from './clock-words.js';
import { readHello } from './hello.js';
import { refuseMessage } from './refuse.js';
import { Session } from './session.js';
import type { SessionHost } from './session.js';

/** Where a conversation finds out who it is with. */
export interface Lobby {
  /** Our instance id. */
  readonly id: string;
  readonly now: () => number;
  readonly log: Log;
  readonly refusals: RefusalLog;
  /** The root of an instance that some connection is with. */
  root(instanceId: string): PeerRoot | undefined;
  /** A statement that just was verified. */
  learned(root: PeerRoot, raw: string): void;
  /** A statement of that root which was refused, though signed: it went back. */
  rolledBack(root: PeerRoot, raw: string): void;
  /** The connection of that id with that instance. */
  host(connectionId: unknown, root: PeerRoot): SessionHost | undefined;
}

/** From the opening of a link, or from a hello, to the hello that brings our nonce back. */
const handshakeMsMax = 5_000;
/** Hellos that wait for their nonce on one link: a copied one opens nothing, and must not push out the real one. */
const candidatesMax = 4;

export class Conversation {
  #root: PeerRoot | undefined;
  #session: Session | undefined;
  #candidates: Session[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(
    private readonly link: Link,
    private readonly lobby: Lobby,
    private readonly dialled: boolean,
  ) {
    this.#timer = setTimeout(() => this.tooLate(), handshakeMsMax).unref();
    void link.closed.then(() => clearTimeout(this.#timer));
  }

  /** We dialled: we speak first. Resolves when the link has ended; true when a session came about. */
  static async dial(link: Link, lobby: Lobby, host: SessionHost): Promise<boolean> {
    const conversation = new Conversation(link, lobby, true);
    const session = new Session(host, link);
    conversation.#root = host.root;
    conversation.#candidates.push(session);
    link.onMessage(conversation.take);
    await session.greet();
    const { code, reason } = await link.closed;
    const useful = conversation.#session !== undefined;
    if (!useful && code !== 1001)
      lobby.log(`No session came about with ${link.remote}: ${reason || `closed ${code}`}.`);
    return useful;
  }

  /** Somebody dialled us: `root` only when the link already tells who it may be. */
  static accept(link: Link, lobby: Lobby, root?: PeerRoot): void {
    const conversation = new Conversation(link, lobby, false);
    conversation.#root = root;
    // What is posted to us is one link for as long as we run; every other has to become a session.
    if (link.kind === 'https') clearTimeout(conversation.#timer);
    link.onMessage(conversation.take);
  }

  private readonly take = (raw: string, reply?: Reply): boolean => {
    try {
      return this.taken(raw, reply);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.lobby.refusals.add(this.link.remote, error.reason);
      return false;
    }
  };

  private taken(raw: string, reply: Reply | undefined): boolean {
    const root = (this.#root ??= this.lobby.root(statedIn(raw)));
    if (!root) throw new RefusedError('its instance is not known here');
    if (root.isStatement(raw)) return this.learn(root, raw, reply);
    const opened = root.open(raw, this.lobby.id);
    const host = this.hostOf(opened, root);
    if (opened.typ === 'writ-hello+jws') return this.hello(opened, host, reply);
    const session = this.#session ?? this.#candidates[0];
    if (session) return session.take(opened, reply) || refused('it is not expected now, or has not its shape');
    if (opened.typ !== 'writ-cmd+jws') return refused('there is no session');
    refuseMessage(host, { link: this.link, reply }, opened, 'session');
    return true;
  }

  private hostOf({ payload: { con } }: Opened, root: PeerRoot): SessionHost {
    const known = this.#session?.host;
    const host = known?.connection.id === con ? known : this.lobby.host(con, root);
    if (!host || (known && known !== host)) throw new RefusedError('the connection is another one');
    return host;
  }

  private learn(root: PeerRoot, raw: string, reply: Reply | undefined): boolean {
    try {
      root.learn(raw);
    } catch (error) {
      if (root.wasIssued(raw)) this.lobby.rolledBack(root, raw);
      throw error;
    }
    this.lobby.learned(root, raw);
    reply?.end();
    return true;
  }

  private hello(opened: Opened, host: SessionHost, reply: Reply | undefined): boolean {
    const read = readHello(opened.payload, Math.floor(this.lobby.now() / 1_000));
    if ('err' in read) return this.helloRefused(opened, host, read, reply);
    host.pulse.clock(undefined);
    if (read.hello.re === undefined && !this.dialled) return this.greetBack(read.hello, host, reply);
    const session = this.meant(read.hello);
    if (!session) throw new RefusedError('its hello answers none of ours');
    if (session.met(read.hello)) this.promote(session);
    if (reply) this.answerHello(session, reply);
    return true;
  }

  /** Until events flow nobody keeps a POST open for us: what has changed here, such as our half, can be said on this one only. */
  private answerHello(session: Session, reply: Reply): void {
    if (session.state === 'ready') void session.greetOn(reply);
    else reply.end();
  }

  /** The session whose nonce came back. */
  private meant({ re }: HelloClaims): Session | undefined {
    return [this.#session, ...this.#candidates].find((session) => session?.sn === re && session?.state !== 'ended');
  }

  private promote(session: Session): void {
    if (session === this.#session) {
      session.settle();
      return;
    }
    clearTimeout(this.#timer);
    this.#session?.end();
    this.#session = session;
    this.#candidates = this.#candidates.filter((other) => other !== session);
    if (this.dialled) void session.greet().then(() => session.settle());
    else session.settle();
  }

  /** A hello without our nonce is answered with one, and opens nothing until that comes back. */
  private greetBack(hello: HelloClaims, host: SessionHost, reply: Reply | undefined): boolean {
    this.#candidates = this.#candidates.filter(({ state }) => state === 'opening').slice(1 - candidatesMax);
    const session = new Session(host, this.link);
    this.#candidates.push(session);
    setTimeout(() => this.forget(session), handshakeMsMax).unref();
    if (session.met(hello)) void session.greet(reply).then(() => reply?.end());
    else reply?.end();
    return true;
  }

  private forget(session: Session): void {
    this.#candidates = this.#candidates.filter((other) => other !== session);
    if (session !== this.#session) session.end();
  }

  private helloRefused(
    opened: Opened,
    host: SessionHost,
    { err, diffS }: Extract<ReturnType<typeof readHello>, { err: unknown }>,
    reply: Reply | undefined,
  ): boolean {
    refuseMessage(host, { link: this.link, reply }, opened, err, diffS);
    if (err === 'clock') this.clockRefused(host, diffS);
    if (!this.#session && !reply) this.link.close(1008, err);
    return true;
  }

  private clockRefused(host: SessionHost, diffS = 0): void {
    host.pulse.clock(diffS);
    this.lobby.log(`A hello from ${this.link.remote} was refused. ${clockWords(diffS)}`);
  }

  private tooLate(): void {
    if (!this.#session) this.link.close(1008, '');
  }
}

/** The instance that the first message on a link claims to be from: a key statement names it. */
function statedIn(raw: string): string {
  const { kid, typ } = peekHeader(raw);
  if (typ !== 'writ-keys+jws') throw new RefusedError('keys come first');
  return kid;
}

function refused(reason: string): never {
  throw new RefusedError(reason);
}
