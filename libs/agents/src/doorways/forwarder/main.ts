// The forwarder: runs inside the sandbox as a program of its own, around the agent's program, and pipes a port of the
// sandbox's own loopback to a socket that leads out: `forwarder.mjs SOCKET VARIABLE[,VARIABLE…] PROGRAM [ARGUMENT…]`. The variables
// tell the program the address.
// It imports nothing of this house, so that one file is all that has to be mounted.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';

const [socket = '', variables = '', program = '', ...args] = process.argv.slice(2);
const pathCharactersMax = 100;
/** As a shell has them: not found, and nothing that the program did. */
const codes = { notFound: 127, noLoopback: 71 };

/** A socket's path has at most 107 bytes; the way over the open folder is short wherever that lies. */
const path =
  socket.length > pathCharactersMax ? `/proc/self/fd/${openSync(dirname(socket), 'r')}/${basename(socket)}` : socket;

function join(inner: Socket): void {
  const outer = connect({ path, allowHalfOpen: true });
  inner.pipe(outer).pipe(inner);
  inner.on('error', () => outer.destroy()).on('close', () => outer.destroy());
  outer.on('error', () => inner.destroy()).on('close', () => inner.destroy());
}

function fail(code: number, message: string): void {
  process.stderr.write(`writ: ${message}\n`);
  process.exit(code);
}

/** Stop signals reach the program by themselves, as everything inside; the forwarder ends when the program has. */
function start(port: number): void {
  const told = variables.split(',').map((name) => [name, `http://127.0.0.1:${port}`] as const);
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...Object.fromEntries(told) } });
  const wait = () => undefined;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, wait);
  child.on('error', ({ message }) => fail(codes.notFound, `${program} cannot be started: ${message}`));
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeListener(signal, wait);
    process.kill(process.pid, signal);
  });
}

const server = createServer({ allowHalfOpen: true }, join);
server.on('error', ({ message }) => fail(codes.noLoopback, `the sandbox has no loopback for a way out: ${message}`));
server.listen(0, '127.0.0.1', () => start((server.address() as AddressInfo).port));
