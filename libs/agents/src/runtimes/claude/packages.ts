// What the tool host needs to see inside the sandbox: its one file and the SDK with the packages that it imports.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Mount } from '../../sandbox/sandbox.js';
import { toolHostFolder } from '../inside.js';

const sdk = '@anthropic-ai/sdk';
const manifest = z.looseObject({ name: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });

/** The program as built, or its source, whose types Node strips. `.mjs` and `.mts` make it a module wherever it lies. */
function toolHostFile(): string {
  const built = fileURLToPath(new URL('./tool-host/tool-host.js', import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts');
}

export function toolHostInside(): string {
  return `${toolHostFolder}/tool-host.${extname(toolHostFile()) === '.js' ? 'mjs' : 'mts'}`;
}

/** All read-only, below `/opt/writ/tools`. Read once at start. */
export function toolHostMounts(): Mount[] {
  const folders = new Map<string, string>();
  collect(sdk, createRequire(import.meta.url), folders);
  const packages = [...folders].map(([name, from]) => ({ from, to: `${toolHostFolder}/node_modules/${name}` }));
  return [{ from: realpathSync(toolHostFile()), to: toolHostInside() }, ...packages];
}

function collect(name: string, require: NodeJS.Require, folders: Map<string, string>): void {
  if (folders.has(name)) return;
  const folder = packageFolder(name, require.resolve.paths(name) ?? []);
  if (folder === undefined) throw new Error(`The package ${name} is not installed; the tool host needs it.`);
  folders.set(name, folder);
  const { dependencies } = manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  for (const dependency of Object.keys(dependencies)) {
    collect(dependency, createRequire(join(folder, 'package.json')), folders);
  }
}

/** The SDK does not export its package.json, so it is looked for where Node would look. */
function packageFolder(name: string, places: readonly string[]): string | undefined {
  const file = places.map((place) => join(place, name, 'package.json')).find((candidate) => existsSync(candidate));
  return file === undefined ? undefined : realpathSync(dirname(file));
}
