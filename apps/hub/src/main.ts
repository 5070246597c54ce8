// Starts a hub: `node dist/bundle/hub.js`, configured by WRIT_… and a file (docs/operations.md).
import 'reflect-metadata';
import { closeOnSignals, createLogger, firstKeyLine, trustAuthorities, version } from '#api';
import { problemOf } from '#protocol';
import { startTracing } from '#tracing';
import { readConfig, variable } from './config.js';
import { startHub } from './start.js';

async function main(): Promise<void> {
  const config = readConfig();
  trustAuthorities(config.ca);
  const logger = createLogger(config.logLevel, { instance: config.name });
  const endTracing = await startTracing(config.tracing, { role: 'hub', name: config.name, version }, variable);
  const { served, close } = await startHub(config, logger);
  process.stdout.write(firstKeyLine({ ...config, ...served }, process.stdout.isTTY));
  process.stdout.write(`Hub ${config.name} listens at ${served.url}\n`);
  closeOnSignals({ close: () => close().finally(endTracing) }, logger);
}

main().catch((error: unknown) => {
  const { code, detail, next } = problemOf(error);
  process.stderr.write(code === 'internal' ? `${String(error)}\n` : `${code}: ${detail}\n${next}\n`);
  process.exitCode = 1;
});
