// A broker that cannot be trusted: a proxy before a real one that reads what its clients publish and passes on what it likes,
// as often as it likes, where it likes, in an order that it likes.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What a client published. */
export interface Published {
  readonly subject: string;
  readonly reply: string;
  readonly payload: string;
}

/** What becomes of it: itself for the truth, nothing for a loss, others instead. */
type Lie = (published: Published) => readonly Published[];

export interface LyingBroker extends AsyncDisposable {
  readonly url: string;
  /** From now on; the truth by default. */
  lie: Lie;
  /** Resets every open connection. */
  cut(): void;
}

const truth: Lie = (published) => [published];
const newline = Buffer.from('\r\n');

export async function lyingBroker(target: string): Promise<LyingBroker> {
  const { port, hostname } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => (open.delete(socket), near.destroy(), far.destroy()));
    }
    far.pipe(near);
    const reader = new Reader((published) => broker.lie(published));
    near.on('data', (chunk) => far.write(reader.read(chunk)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => open.forEach((socket) => socket.resetAndDestroy());
  const broker: LyingBroker = {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lie: truth,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return broker;
}

/** Cuts one client's stream into commands; `PUB` is all that is looked into. */
class Reader {
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly lie: Lie) {}

  read(chunk: Buffer): Buffer {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const passed: Buffer[] = [];
    for (let next = this.next(); next !== undefined; next = this.next()) passed.push(next);
    return Buffer.concat(passed);
  }

  /** One whole command as it goes on; undefined when it has not come whole. */
  private next(): Buffer | undefined {
    const end = this.#rest.indexOf(newline);
    if (end < 0) return undefined;
    const words = this.#rest.subarray(0, end).toString().split(' ');
    if (words[0] !== 'PUB') return this.take(end + 2);
    const size = Number(words.at(-1));
    if (this.#rest.length < end + 2 + size + 2) return undefined;
    const payload = this.take(end + 2 + size + 2)
      .subarray(end + 2, -2)
      .toString('latin1');
    const [subject = '', reply = ''] = words.slice(1, -1);
    return Buffer.concat(this.lie({ subject, reply, payload }).map(written));
  }

  private take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(bytes);
    return taken;
  }
}

function written({ subject, reply, payload }: Published): Buffer {
  const words = ['PUB', subject, ...(reply === '' ? [] : [reply]), payload.length];
  return Buffer.from(`${words.join(' ')}\r\n${payload}\r\n`, 'latin1');
}
