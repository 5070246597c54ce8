// One connection to a broker: dialled at an address that the policy allows, given up when it breaks, never mended from inside.
// What is published counts as unsent until the broker has said that it has it.
import type { LookupAddress } from 'node:dns';
import { connect, errors } from '@nats-io/transport-node';
import type { Authenticator, Msg, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { messageBytesMax, WritError } from '#protocol';
import type { AddressPolicy } from '../address-policy.js';

/** What came on a subject. `nobody` is the broker's word that nobody listens where we published with this subject as reply. */
export interface Heard {
  readonly text: string;
  readonly reply: string;
  readonly nobody: boolean;
}

export interface BrokerDial {
  readonly url: string;
  /** How the broker's own monitoring shows us. */
  readonly name: string;
  readonly policy: AddressPolicy;
  /** Certificates trusted instead of those that this process trusts, PEM. */
  readonly ca?: string;
  readonly authenticator?: Authenticator;
  /** Told of what the broker complains about, such as a subject that it does not permit. */
  readonly complained: (error: Error) => void;
}

const dialMsMax = 10_000;
/** A broker that does not answer two of them is gone. */
const pingMs = 10_000;
/** For what was said last to reach the broker. */
const farewellMsMax = 1_000;
const defaultPort = '4222';
const noResponders = 503;

export class BrokerConnection {
  /** Resolves with the reason when it is over. */
  readonly closed: Promise<string>;
  #unsentBytes = 0;
  #flushing = false;
  #closing = false;
  readonly #drained = new Set<() => void>();

  private constructor(
    private readonly nats: NatsConnection,
    complained: (error: Error) => void,
  ) {
    this.closed = nats.closed().then((error) => (error ? `It hung up: ${error.message}.` : 'It hung up.'));
    void this.listenFor(complained);
  }

  /**
   * @throws WritError `invalid_request` for a URL that may not be dialled, `peer_unavailable` when no broker is there, it does
   *   not let us in, or it cannot carry what Writ sends.
   */
  static async dial(dial: BrokerDial, signal: AbortSignal): Promise<BrokerConnection> {
    const options = await optionsOf(dial);
    signal.throwIfAborted();
    const nats = await connect(options).catch((cause: unknown) => {
      throw dialError(cause);
    });
    const fault = signal.aborted ? 'We are going away.' : faultOf(nats);
    if (fault === undefined) return new BrokerConnection(nats, dial.complained);
    await nats.close();
    throw new WritError('peer_unavailable', fault);
  }

  /** Bytes of all links together that the broker does not have yet: they share one socket. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Called whenever the broker has taken something, until the returned function is. */
  onDrain(listener: () => void): () => void {
    this.#drained.add(listener);
    return () => void this.#drained.delete(listener);
  }

  /** Nothing happens once it is closed. `text` is ASCII of at most the size of a message. */
  publish(subject: string, text: string, reply?: string): void {
    if (this.nats.isClosed()) return;
    this.nats.publish(subject, Buffer.from(text, 'latin1'), reply === undefined ? {} : { reply });
    this.#unsentBytes += text.length;
    if (!this.#flushing) void this.flush();
  }

  /** With `queue`, one of those that share its name gets each message. What is too long for a message is not handed on. */
  subscribe(subject: string, hear: (heard: Heard) => void, queue?: string): () => void {
    const callback = (error: Error | null, message: Msg): void => {
      // A subject that is not permitted is as good as one where nobody is; the complaint itself comes on its own way.
      if (error) hear({ text: '', reply: '', nobody: true });
      else if (message.data.length <= messageBytesMax) hear(heardIn(message));
    };
    const subscription = this.nats.subscribe(subject, queue === undefined ? { callback } : { callback, queue });
    return () => subscription.unsubscribe();
  }

  /** What was published in this turn of the event loop still goes. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    const timer = setTimeout(() => void this.nats.close(), farewellMsMax).unref();
    setImmediate(() => void this.farewell().finally(() => clearTimeout(timer)));
  }

  private async farewell(): Promise<void> {
    await this.nats.flush().catch(() => undefined);
    await this.nats.close();
  }

  private async flush(): Promise<void> {
    this.#flushing = true;
    try {
      while (this.#unsentBytes > 0) {
        const asked = this.#unsentBytes;
        await this.nats.flush();
        this.#unsentBytes -= asked;
        for (const drained of this.#drained) drained();
      }
    } catch {
      // The connection is over: `closed` tells.
    }
    this.#flushing = false;
  }

  private async listenFor(complained: (error: Error) => void): Promise<void> {
    for await (const status of this.nats.status()) if (status.type === 'error') complained(status.error);
  }
}

function heardIn({ data, reply = '', headers }: Msg): Heard {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  return { text, reply, nobody: headers?.code === noResponders };
}

/** The address that was judged is the one that is dialled: the client looks nothing up by itself, and learns of no other server. */
async function optionsOf({ url, name, policy, ca, authenticator }: BrokerDial): Promise<NodeConnectionOptions> {
  const isPlain = url.startsWith('nats:');
  const checked = policy.check(url.replace(/^(nats|tls):/, isPlain ? 'http:' : 'https:'));
  const host = checked.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = URL.parse(url)?.port || defaultPort;
  const addresses = await allowed(policy, checked, host);
  return {
    servers: addresses.map(({ address, family }) => `${family === 6 ? `[${address}]` : address}:${port}`),
    ...{ name, timeout: dialMsMax, pingInterval: pingMs, maxPingOut: 2 },
    ...{ reconnect: false, resolve: false, ignoreClusterUpdates: true, noRandomize: true, noAsyncTraces: true },
    ...(authenticator && { authenticator }),
    // The certificate has to be that of the name in the URL, whatever address it stands for.
    tls: isPlain ? null : { ca, host, servername: /[a-z]/i.test(host) && !host.includes(':') ? host : '' },
  } as NodeConnectionOptions;
}

function allowed(policy: AddressPolicy, url: URL, host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    policy.lookupFor(url)(host, { all: true }, (error, addresses) => {
      if (error) reject(error instanceof WritError ? error : dialError(error));
      else resolve(addresses as LookupAddress[]);
    });
  });
}

function faultOf({ info }: NatsConnection): string | undefined {
  const bytes = info?.max_payload ?? 0;
  if (bytes < messageBytesMax)
    return `The broker takes messages of at most ${bytes} bytes and Writ sends up to ${messageBytesMax}: set its max_payload.`;
  return info?.headers === true
    ? undefined
    : 'The broker does not tell when nobody listens: it is older than NATS 2.2.';
}

function dialError(cause: unknown): WritError {
  const refused = cause instanceof errors.AuthorizationError;
  const { message } = (cause ?? {}) as Partial<Error>;
  const why = message ? `: ${message}` : '';
  const detail = refused ? 'The broker does not take our credentials.' : `The broker could not be reached${why}.`;
  return new WritError('peer_unavailable', detail, { cause });
}
