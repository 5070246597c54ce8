// Hosts that agents may want to reach: names that lead to servers of this process, and the program with which an agent tries them.
import type { lookup } from 'node:dns';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:https';
import { dialBy } from '../../apps/spoke/src/agents/dial.js';
import type { Dial } from '#agents';
import { AddressPolicy } from '#federation';
import { selfSigned } from './tls-door.js';

const names: Readonly<Record<string, string>> = {
  'tools.test': '127.0.0.1',
  'other.test': '127.0.0.1',
  'inner.test': '10.9.8.7',
};

export class Outside {
  private constructor(
    private readonly servers: readonly Server[],
    /** Says `hello from outside` to whoever connects. */
    readonly port: number,
    /** The same over https. */
    readonly tlsPort: number,
    readonly dial: Dial,
  ) {}

  static async open(): Promise<Outside> {
    const plain = createServer((socket) => socket.on('error', () => undefined).end('hello from outside'));
    const tls = createTlsServer(selfSigned(), (_request, response) => response.end('hello from outside'));
    const [port, tlsPort] = [await listening(plain), await listening(tls)];
    const policy = new AddressPolicy(['loopback'], resolve as typeof lookup);
    return new Outside([plain, tls], port, tlsPort, dialBy(policy));
  }

  close(): void {
    for (const server of this.servers) server.close();
  }
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

function resolve(name: string, _options: unknown, give: (error: Error | null, addresses?: object[]) => void): void {
  const address = names[name];
  if (address === undefined) give(new Error(`getaddrinfo ENOTFOUND ${name}`));
  else give(null, [{ address, family: 4 }]);
}

/** A shell script: one line for each host, `HOST STATUS WHAT-IT-SAID`. */
export function tries(...hosts: readonly string[]): string {
  return `node -e '${program}' ${hosts.join(' ')}`;
}

const program = `
const { connect } = require("node:net");
const { hostname, port } = new URL(process.env.HTTPS_PROXY ?? "http://127.0.0.1:1");
const tried = (host) => new Promise((over) => {
  let said = "";
  const socket = connect(port, hostname, () => socket.write("CONNECT " + host + " HTTP/1.1\\r\\nhost: " + host + "\\r\\n\\r\\n"));
  socket.setEncoding("utf8").on("data", (text) => (said += text)).on("error", (error) => (said += error.code));
  socket.on("close", () => over([host, said.split(" ")[1] ?? said, said.split("\\r\\n").at(-1).trim()].join(" ")));
});
(async () => { for (const host of process.argv.slice(1)) console.log(await tried(host)); })();
`;
