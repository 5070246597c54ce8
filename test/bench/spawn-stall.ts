// Row `spawn-stall`: how long the event loop of a large process stands still when a process is started: by our fork server, and by
// the process itself.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { hundredths, type Row } from './row.js';

const program = fileURLToPath(new URL('./stall.process.js', import.meta.url));

export interface StallPlan {
  readonly gigabytes: number;
  readonly rounds: number;
}

interface Stalls {
  readonly direct: number;
  readonly server: number;
  readonly ratio: number;
}

export async function spawnStall({ gigabytes, rounds }: StallPlan): Promise<Row[]> {
  const child = fork(program, [String(gigabytes), String(rounds)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ direct, server, ratio }] = (await once(child, 'message')) as [Stalls];
  const row = { name: 'spawn-stall', inflight: 1 };
  return [
    { ...row, unit: `ms at ${gigabytes} GB`, ours: hundredths(server), peers: { direct: hundredths(direct) } },
    { ...row, unit: `ms at ${gigabytes} GB, peer : writ`, ours: 1, peers: { direct: hundredths(ratio) } },
  ];
}
