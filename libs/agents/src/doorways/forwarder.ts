// A way from a program inside a sandbox to a socket out here: the forwarder around the program, and what has to be mounted.
import { existsSync, realpathSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mount } from '../sandbox/sandbox.js';

const folder = '/opt/writ/doorways';

export interface Doorway {
  /** Of the socket inside. */
  readonly name: string;
  /** The socket out here. */
  readonly socket: string;
  /** Variables that tell the program the address: `http://127.0.0.1:PORT`. */
  readonly tells: readonly string[];
}

/** The same program, with the doorway open to it and to all that it starts. */
export function through(
  { name, socket, tells }: Doorway,
  argv: readonly [string, ...string[]],
): { readonly argv: readonly [string, ...string[]]; readonly mounts: readonly Mount[] } {
  const inside = `${folder}/${name}.sock`;
  return {
    argv: ['node', forwarderInside(), inside, tells.join(','), ...argv],
    // To connect is to write: the user inside has to be allowed to.
    mounts: [
      { from: socket, to: inside, writable: true },
      { from: realpathSync(file()), to: forwarderInside() },
    ],
  };
}

/** The program as built, or its source, whose types Node strips. `.mjs` and `.mts` make it a module wherever it lies. */
function file(): string {
  const built = fileURLToPath(new URL('./forwarder/main.js', import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts');
}

function forwarderInside(): string {
  return `${folder}/forwarder.${extname(file()) === '.js' ? 'mjs' : 'mts'}`;
}
