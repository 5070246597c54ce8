// Starts a hub: `node dist/apps/hub/src/main.js`, configured by WRIT_… and a file (docs/operations.md).
import 'reflect-metadata';
import { closeOnSignals, createLogger, serve, version } from '#api';
import { acceptWebSockets } from '#federation';
import { problemOf } from '#protocol';
import { readConfig } from './config.js';
import { openDoors } from './doors.js';
import { HubModule } from './hub.module.js';
import { Hub } from './hub.js';

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.logLevel, { instance: config.name });
  let url = '';
  const hub = await Hub.open(config, logger, () => url);
  const { name, stateDir, host, port, adminKey } = config;
  const served = await serve(HubModule.register(hub, logger), {
    ...{ title: `Writ hub ${name}`, description: 'Agents on partners’ spokes.', version },
    ...{ host, port, adminKey, logger, instance: { stateDir, role: 'hub', name } },
    prepare: (_app, http) => openDoors(http, hub.records.desk, hub.identity),
  });
  url = served.url;
  const links = new AbortController();
  acceptWebSockets(served.app.getHttpServer(), hub.peers.accept, links.signal);
  await hub.start((error) => logger.error({ err: error }, 'following a connection failed'));
  if (served.firstKey !== undefined) process.stdout.write(`The first admin key, shown this once: ${served.firstKey}\n`);
  process.stdout.write(`Hub ${name} listens at ${url}\n`);
  const close = async () => {
    await served.close();
    links.abort();
    await hub.close();
  };
  closeOnSignals({ close }, logger);
}

main().catch((error: unknown) => {
  const { code, detail, next } = problemOf(error);
  process.stderr.write(code === 'internal' ? `${String(error)}\n` : `${code}: ${detail}\n${next}\n`);
  process.exitCode = 1;
});
