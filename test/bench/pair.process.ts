// A pair of the benchmark as two child processes, started once and kept for the whole run.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cell, CellResult, SideMessage } from './cell.js';

const side = fileURLToPath(new URL('./side.js', import.meta.url));

/** A cell with the CPU of both sides, microseconds for each request. */
export interface PairResult extends CellResult {
  readonly clientUs: number;
  readonly serverUs: number;
}

async function told(child: ChildProcess): Promise<SideMessage> {
  const over = new AbortController();
  const exit = once(child, 'exit', { signal: over.signal });
  const gone = exit.then(([code]) => Promise.reject(new Error(`a side of the benchmark ended with ${String(code)}`)));
  gone.catch(() => undefined);
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: over.signal }), gone])) as [SideMessage];
    return message;
  } finally {
    over.abort();
  }
}

/** A side of its own: the address it serves at, or null for a caller. */
export async function startSide(args: readonly string[]): Promise<{ child: ChildProcess; address: unknown }> {
  const child = fork(side, args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const message = await told(child);
  return { child, address: 'address' in message ? message.address : null };
}

export class PairProcess {
  private constructor(
    readonly name: string,
    private readonly server: ChildProcess,
    private readonly client: ChildProcess,
  ) {}

  static async start(name: string): Promise<PairProcess> {
    const server = await startSide(['serve', name]);
    const client = await startSide(['call', name, JSON.stringify(server.address)]);
    return new PairProcess(name, server.child, client.child);
  }

  async run(cell: Cell): Promise<PairResult> {
    const before = await this.serverCpuMs();
    this.client.send(cell);
    const message = await told(this.client);
    if (!('result' in message)) throw new Error(`${this.name}: no result`);
    const { result } = message;
    const serverMs = (await this.serverCpuMs()) - before;
    return { ...result, clientUs: (result.cpuMs * 1_000) / result.count, serverUs: (serverMs * 1_000) / result.count };
  }

  stop(): void {
    this.client.disconnect();
    this.server.disconnect();
  }

  private async serverCpuMs(): Promise<number> {
    this.server.send({});
    const message = await told(this.server);
    return 'cpuMs' in message ? message.cpuMs : 0;
  }
}
