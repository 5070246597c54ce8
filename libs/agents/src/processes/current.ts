// Processes room: who starts processes for this one. There is one for the whole process, however many spokes are in it.
import type { AgentsLog } from '../deps.js';
import { DirectStarter } from './direct.js';
import { ForkServer } from './fork-server/fork-server.js';
import type { ProcessSpec, ProcessStarter, StartedProcess } from './starter.js';

const direct: ProcessStarter = new DirectStarter();
let server: Promise<ForkServer> | undefined;
let current = direct;
let users = 0;

export function startProcess(spec: ProcessSpec): Promise<StartedProcess> {
  return current.start(spec);
}

/**
 * From here on a small process beside this one starts what has to be started. Early, while this one is small.
 * Returns how its user lets go of it; the last one ends it.
 */
export async function openForkServer(log: Pick<AgentsLog, 'warn'>): Promise<() => Promise<void>> {
  users += 1;
  const own = (server ??= ForkServer.open(log));
  current = await own;
  return once(async () => {
    users -= 1;
    if (users > 0) return;
    current = direct;
    server = undefined;
    await (await own).close();
  });
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= act());
}
