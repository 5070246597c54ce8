// A proxy with TLS before an instance, as an admin puts one there: what comes in encrypted goes on in plain to loopback.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';

interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A key and a certificate for 127.0.0.1 that is its own authority, PEM. */
export function selfSigned(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'writ-certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const ask = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=writ -addext subjectAltName=IP:127.0.0.1`;
  try {
    execFileSync('openssl', [...ask.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface TlsDoor {
  readonly url: string;
  /** Where the instance is; may be set after opening, for it needs to know the door's URL first. */
  aim(url: string): void;
  /** Handshakes that came through. */
  readonly taken: () => number;
  close(): Promise<void>;
}

export async function tlsDoor(certificate: Certificate): Promise<TlsDoor> {
  const open = new Set<Socket>();
  const state = { target: '', taken: 0 };
  const server = createServer(certificate, (near) => {
    state.taken += 1;
    const { hostname, port } = new URL(state.target);
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => (open.delete(socket), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    aim: (url) => void (state.target = url),
    taken: () => state.taken,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
