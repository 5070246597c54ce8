// Processes room: started by this very process. It copies its page tables for each child: a large one stands still meanwhile.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { startTicks } from '../sandbox/process.js';
import type { ProcessEnd } from '../sandbox/sandbox.js';
import { ignoreBrokenPipe, ProcessStarter, type ProcessSpec, type StartedProcess } from './starter.js';
import { sealed } from './strays.js';

export class DirectStarter extends ProcessStarter {
  override async start({ argv, env, cwd, pipes }: ProcessSpec): Promise<StartedProcess> {
    const [program, ...args] = argv;
    const stdio = sealed(Array.from({ length: pipes }, () => 'pipe' as const));
    const child = spawn(program, args, { cwd, env, detached: true, stdio });
    const ours = child.stdio.slice(0, pipes) as Duplex[];
    for (const pipe of ours) pipe.on('error', ignoreBrokenPipe);
    const [exit, closed] = [told(child, 'exit'), told(child, 'close')];
    // Looked at before it can be reaped.
    const start = child.pid === undefined ? 0 : startTicks(child.pid);
    await once(child, 'spawn');
    return { id: { pid: child.pid ?? 0, start }, pipes: ours, exit, closed };
  }
}

function told(child: ChildProcess, event: 'exit' | 'close'): Promise<ProcessEnd> {
  return new Promise((resolve) =>
    child.once(event, (code: number | null, signal: string | null) => resolve({ code, signal })),
  );
}
