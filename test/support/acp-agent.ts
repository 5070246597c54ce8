// The ACP agent of tests, and what it needs to see inside a sandbox: its one file, the protocol's SDK and zod.
import { cpSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Mount } from '#agents';
import { root } from './instance.js';

const inside = '/opt/writ/agent';
const require = createRequire(import.meta.url);

const parts: Readonly<Record<string, string>> = {
  'agent.mts': join(root, 'test', 'support', 'acp-agent-main.ts'),
  'node_modules/@agentclientprotocol/sdk': packageFolder('@agentclientprotocol/sdk'),
  'node_modules/zod': packageFolder('zod'),
};

/** Node strips the types. */
export const acpAgent = (...traits: string[]): [string, ...string[]] => ['node', `${inside}/agent.mts`, ...traits];

export const acpAgentMounts: readonly Mount[] = Object.entries(parts).map(([name, from]) => {
  return { from, to: `${inside}/${name}` };
});

/** The same as one folder, as a spoke is configured with it. */
export function acpAgentFolder(folder: string): string {
  for (const [name, from] of Object.entries(parts)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(from, join(folder, name), { recursive: true });
  }
  return folder;
}

/** A prompt that has the agent take these steps. */
export const doing = (...steps: string[]): string => steps.map((step) => `- ${step}`).join('\n');

function packageFolder(name: string): string {
  const places = require.resolve.paths(name)?.map((place) => join(place, name)) ?? [];
  const found = places.find((place) => existsSync(join(place, 'package.json')));
  if (found === undefined) throw new Error(`the package ${name} is not installed`);
  return realpathSync(found);
}
