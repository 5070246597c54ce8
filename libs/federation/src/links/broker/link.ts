// A link over a broker: each end listens to one subject of its own, and everything it says names that subject as reply.
// Nothing that comes from elsewhere has an effect; what is refused gets silence.
import { messageBytesMax } from '#protocol';
import { Inbox } from '../inbox.js';
import { Link } from '../link.js';
import type { LinkClosed, MessageListener } from '../link.js';
import type { BrokerConnection, Heard } from './connection.js';

export interface BrokerEnds {
  /** The subject that we listen to. */
  readonly ours: string;
  /** That of the other end; unknown until it has answered. */
  readonly theirs?: string;
  /** Whether that may be the other end. */
  readonly isTheirs: (subject: string) => boolean;
}

/** What the ends say to one another beside messages, none of which has a space or is so short. */
const opened = 'open';
const tally = /^sent (0|[1-9]\d{0,14})$/;
const farewell = /^end (1\d{3})$/;

export class BrokerLink extends Link {
  readonly kind = 'broker';
  readonly remote: string;
  readonly closed: Promise<LinkClosed>;
  /** Resolves when the other end is known. */
  readonly met: Promise<void>;
  readonly #inbox = new Inbox(() => undefined);
  readonly #leave: (() => void)[] = [];
  #theirs: string | undefined;
  #sent = 0;
  #taken = 0;
  #open = true;
  #drained = (): void => undefined;
  #settle: (how: LinkClosed) => void = () => undefined;
  #meet: () => void = () => undefined;

  constructor(
    private readonly at: BrokerConnection,
    private readonly ends: BrokerEnds,
    tallyMs: number,
  ) {
    super();
    this.remote = ends.theirs ?? 'the broker';
    this.#theirs = ends.theirs;
    this.closed = new Promise((settle) => (this.#settle = settle));
    this.met = new Promise((meet) => (this.#meet = meet));
    const timer = setInterval(() => this.say(`sent ${this.#sent}`), tallyMs).unref();
    this.#leave.push(() => clearInterval(timer));
    this.#leave.push(at.subscribe(ends.ours, (heard) => this.hear(heard)));
    this.#leave.push(at.onDrain(() => this.#drained()));
    void at.closed.then((reason) => this.end({ code: 1006, reason }));
  }

  get bufferedBytes(): number {
    return this.#open ? this.at.unsentBytes : 0;
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  onMessage(listener: MessageListener): void {
    this.#inbox.listen(listener);
  }

  send(message: string): void {
    if (!this.#open) return;
    if (message.length > messageBytesMax) {
      this.close(1009, 'message too large');
      return;
    }
    this.#sent += 1;
    this.say(message);
  }

  /** As the end that was asked: tells the other where we are. */
  welcome(): void {
    this.say(opened);
  }

  close(code = 1000, reason = ''): void {
    if (!this.#open) return;
    this.say(`end ${code}`);
    this.end({ code, reason });
  }

  private say(text: string): void {
    if (this.#theirs !== undefined) this.at.publish(this.#theirs, text, this.ends.ours);
  }

  private hear({ text, reply, nobody }: Heard): void {
    if (!this.#open) return;
    if (nobody) this.end({ code: 1006, reason: 'nobody listens at the other end' });
    else if (this.#theirs === undefined) this.answered(text, reply);
    else if (reply === this.#theirs) this.take(text);
  }

  private answered(text: string, reply: string): void {
    if (text !== opened || !this.ends.isTheirs(reply)) return;
    this.#theirs = reply;
    this.#meet();
  }

  private take(text: string): void {
    const [, sent] = tally.exec(text) ?? [];
    const [, code] = farewell.exec(text) ?? [];
    if (sent !== undefined) this.compare(Number(sent));
    else if (code !== undefined) this.end({ code: Number(code), reason: 'the other end has left' });
    else if (text !== opened) this.message(text);
  }

  /** Only what was believed counts: what somebody slips in does not hide that something else is missing. */
  private message(text: string): void {
    if (this.#inbox.take(text)) this.#taken += 1;
  }

  /** A broker keeps the order of what one end says: when the other has heard less or more by now, it is not whole. */
  private compare(sent: number): void {
    if (sent !== this.#taken) this.close(1006, `of ${sent} messages ${this.#taken} came`);
  }

  private end(how: LinkClosed): void {
    if (!this.#open) return;
    this.#open = false;
    for (const leave of this.#leave) leave();
    this.#settle(how);
  }
}
