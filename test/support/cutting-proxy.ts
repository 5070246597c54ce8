// A TCP proxy between two real ends that can be cut, paused and told to count.
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** Connections taken so far. */
  readonly taken: () => number;
  /** Resets every open connection. */
  cut(): void;
  /** While set, new connections are reset at once. */
  refuse(on: boolean): void;
}

export async function cuttingProxy(target: string): Promise<CuttingProxy> {
  const { port, hostname } = new URL(target);
  const open = new Set<Socket>();
  const state = { taken: 0, refusing: false };
  const server = createServer((near) => {
    state.taken += 1;
    if (state.refusing) return near.resetAndDestroy();
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => (open.delete(socket), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => open.forEach((socket) => socket.resetAndDestroy());
  const dispose = async () => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const refuse = (on: boolean) => void (state.refusing = on);
  return { url, taken: () => state.taken, cut, refuse, [Symbol.asyncDispose]: dispose };
}
