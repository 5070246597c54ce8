// The fork server: a small process that starts others for a large one. Each pipe of a child is a connection to the spoke's socket,
// made here and handed over; nothing of what goes through it passes this process. It ends with the spoke.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Failure, ForkServerWord, StartOrder } from './words.js';

const [socketPath = ''] = process.argv.slice(2);

function say(word: ForkServerWord): void {
  process.send?.(word, undefined, undefined, () => undefined);
}

async function obey(order: StartOrder): Promise<void> {
  const pipes: Socket[] = [];
  try {
    await Promise.all(order.pipes.map((word, fd) => connected(word, (pipes[fd] = connect(socketPath)))));
    start(order, pipes);
  } catch (error) {
    say({ order: order.order, failure: failureOf(error) });
  } finally {
    for (const pipe of pipes) pipe.destroy();
  }
}

/** Never read here: what comes is the child's. */
async function connected(word: string, pipe: Socket): Promise<void> {
  pipe.pause();
  await once(pipe, 'connect');
  await new Promise<void>((resolve, reject) => pipe.write(word, (error) => (error ? reject(error) : resolve())));
}

function start({ order, argv: [program, ...args], env, cwd }: StartOrder, pipes: Socket[]): void {
  // Descriptors above 2 stay as they are when a child gets them, and no program expects one that does not block.
  for (const pipe of pipes.slice(3)) blocking(pipe);
  const child = spawn(program, args, { env, cwd, detached: true, stdio: pipes });
  child.once('error', (error) => say({ order, failure: failureOf(error) }));
  child.once('exit', (code, signal) => say({ order, code, signal }));
  // Looked at before it can be reaped.
  if (child.pid !== undefined) say({ order, pid: child.pid, start: startTicks(child.pid) });
}

/** Node has no other way to ask for it. */
function blocking(pipe: Socket): void {
  (pipe as unknown as { _handle: { setBlocking(is: boolean): number } })._handle.setBlocking(true);
}

/** As the spoke reads it (proc(5), field 22); this file imports nothing, to stay small. */
function startTicks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
}

function failureOf(error: unknown): Failure {
  const { message, name, code, errno, syscall, path, spawnargs } = error as Failure;
  return { message, name, code, errno, syscall, path, spawnargs };
}

// A service manager signals everything it started; what has to end is ended by the spoke, and this with it.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => {
  rmSync(dirname(socketPath), { recursive: true, force: true });
  process.exit();
});
process.on('message', (order: StartOrder) => void obey(order));
