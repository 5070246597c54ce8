// A load balancer as simple as they come: every connection goes to the next of its targets that takes it.
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Balancer extends AsyncDisposable {
  readonly url: string;
  /** From the next connection on. */
  targets(urls: readonly string[]): void;
  /** Resets every open connection. */
  cut(): void;
  /** How many connections it has with that target now. */
  openTo(url: string): number;
}

export async function balancer(): Promise<Balancer> {
  let urls: readonly string[] = [];
  let turn = 0;
  const open = new Set<Socket>();
  const far = new Map<Socket, string>();
  const server = createServer((near) => {
    open.add(near.on('error', () => undefined).on('close', () => open.delete(near)));
    turn += 1;
    const from = turn % urls.length;
    forward(near, [...urls.slice(from), ...urls.slice(0, from)], far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dispose = async () => {
    open.forEach((socket) => socket.destroy());
    await new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = () => open.forEach((socket) => socket.resetAndDestroy());
  const openTo = (target: string) => [...far.values()].filter((one) => one === target).length;
  return { url, targets: (to) => void (urls = to), cut, openTo, [Symbol.asyncDispose]: dispose };
}

/** The next one, when this one takes no connections now. */
function forward(near: Socket, [url, ...others]: readonly string[], far: Map<Socket, string>): void {
  if (url === undefined || near.destroyed) {
    near.destroy();
    return;
  }
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.once('error', () => forward(near, others, far));
  socket.once('connect', () => {
    far.set(
      socket.removeAllListeners('error').on('error', () => undefined),
      url,
    );
    socket.on('close', () => (far.delete(socket), near.destroy()));
    near.on('close', () => socket.destroy());
    near.pipe(socket).pipe(near);
  });
}
