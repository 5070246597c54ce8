// The serving side of Writ: a whole spoke as `apps/spoke` starts it, on the embedded store, with a runtime that does nothing.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '#api';
import { spokeConfig } from '../../../apps/spoke/src/config.js';
import { startSpoke } from '../../../apps/spoke/src/start.js';
import type { Serving } from '../peers/peer.js';
import { freshFolder } from './folder.js';

/** The name of the runtime that does nothing. */
export const noop = 'noop';

/** How a hub's process reaches the spoke's admin. */
export interface SpokeAddress {
  readonly url: string;
  readonly key: string;
}

/** Limits are raised, nothing else: what is checked, journaled and synced is what every spoke does. */
export async function serveSpoke(): Promise<Serving> {
  const stateDir = freshFolder('spoke');
  const config = spokeConfig.parse({
    ...{ name: 'spoke', port: 0, stateDir, logLevel: 'silent' },
    agents: { agentsMax: 10_000, startsMax: 4 },
    sandbox: { allowNone: true },
    repositories: { allowFile: true },
    runtimes: { claude: { kind: 'claude' }, [noop]: { kind: 'command', argv: ['true'] } },
  });
  const { served, close } = await startSpoke(config, createLogger('silent'));
  const key = readFileSync(join(stateDir, 'cli.key'), 'utf8').trim();
  return { address: { url: served.url, key } satisfies SpokeAddress, close };
}
