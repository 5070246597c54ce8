// Peer `floor`: what cannot be beaten serially: the same two signatures over a bare WebSocket, and nothing else.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { answer, expectAnswer, question, type BenchPair } from './peer.js';

/** Keys of a run: both sides get both pairs, for nobody is kept out here. */
interface FloorAddress {
  readonly port: number;
  readonly client: string;
  readonly server: string;
}

const fresh = () => generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

/** Compact form without a header: payload and signature, both base64url. */
function seal(payload: string, key: KeyObject): string {
  const body = Buffer.from(payload).toString('base64url');
  return `${body}.${sign(null, Buffer.from(body), key).toString('base64url')}`;
}

function open(message: string, key: KeyObject): string {
  const [body = '', signature = ''] = message.split('.');
  if (!verify(null, Buffer.from(body), key, Buffer.from(signature, 'base64url'))) throw new Error('bad signature');
  return Buffer.from(body, 'base64url').toString();
}

export const floor: BenchPair = {
  name: 'floor',
  async serve() {
    const keys = { client: fresh(), server: fresh() };
    const [mine, theirs] = [createPrivateKey(keys.server), createPublicKey(keys.client)];
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => {
        const { id } = JSON.parse(open(data.toString(), theirs)) as { id: number };
        socket.send(seal(JSON.stringify({ id, body: answer }), mine));
      });
    });
    await once(server, 'listening');
    return { address: { ...keys, port: (server.address() as AddressInfo).port } };
  },
  async connect(address) {
    const { port, client, server } = address as FloorAddress;
    const [mine, theirs] = [createPrivateKey(client), createPublicKey(server)];
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    await once(socket, 'open');
    const waiting = new Map<number, (body: unknown) => void>();
    socket.on('message', (data: Buffer) => {
      const { id, body } = JSON.parse(open(data.toString(), theirs)) as { id: number; body: unknown };
      waiting.get(id)?.(body);
      waiting.delete(id);
    });
    let last = 0;
    return async () => {
      const id = (last += 1);
      const body = new Promise((resolve) => waiting.set(id, resolve));
      socket.send(seal(JSON.stringify({ id, body: question }), mine));
      expectAnswer(await body);
    };
  },
};
