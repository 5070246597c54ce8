// Where the forwarder and the agent's socket are, out here and inside the sandbox.
import { existsSync, realpathSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mount } from '../sandbox/sandbox.js';

const folder = '/opt/writ/model';

export const socketInside = `${folder}/api.sock`;

/** The program as built, or its source, whose types Node strips. `.mjs` and `.mts` make it a module wherever it lies. */
function file(): string {
  const built = fileURLToPath(new URL('./forwarder/main.js', import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts');
}

export function forwarderInside(): string {
  return `${folder}/forwarder.${extname(file()) === '.js' ? 'mjs' : 'mts'}`;
}

export function forwarderMount(): Mount {
  return { from: realpathSync(file()), to: forwarderInside() };
}
