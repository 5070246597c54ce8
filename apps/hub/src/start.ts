// A hub from its configuration to an instance that listens for people and for spokes.
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { Metrics, serve, version, type Served } from '#api';
import { acceptWebSockets } from '#federation';
import type { HubConfig } from './config.js';
import { openDoors, publishedKey } from './doors.js';
import { measureHub } from './metrics/metrics.js';
import { HubModule } from './hub.module.js';
import { Hub } from './hub.js';

/** The console's modules are built beside this app; its styles are taken as they are. */
const consoleFiles = {
  scripts: fileURLToPath(new URL('../../console/src', import.meta.url)),
  assets: fileURLToPath(new URL('../../../../apps/console/assets', import.meta.url)),
};

export interface StartedHub {
  readonly hub: Hub;
  readonly served: Served;
  /** Stops answering, then ends its links; what is open stays open for the next start. */
  readonly close: () => Promise<void>;
}

/** @throws WritError `config_invalid`, `store_format`, `bind_refused`, `key_invalid` */
export async function startHub(config: HubConfig, logger: Logger): Promise<StartedHub> {
  let url = '';
  const hub = await Hub.open(config, logger, () => url);
  try {
    await hub.load();
    const served = await listen(hub, config, logger, () => config.publicUrl ?? url);
    url = served.url;
    return await meet(hub, served, logger);
  } catch (error) {
    await hub.close();
    throw error;
  }
}

function listen(hub: Hub, config: HubConfig, logger: Logger, url: () => string): Promise<Served> {
  const { name, stateDir, host, port, metricsPort, adminKey } = config;
  const metrics = new Metrics();
  measureHub(metrics, hub);
  return serve(HubModule.register(hub, logger, metrics), {
    ...{ title: `Writ hub ${name}`, description: 'Agents on partners’ spokes.', version },
    ...{ host, port, metricsPort, adminKey, logger, instance: { stateDir, role: 'hub', name } },
    spokes: () => hub.services.spokes.list(),
    a2a: { url, key: () => publishedKey(hub.ground.identity, url()), notifier: hub.services.pushes },
    consoleFiles,
    prepare: (_app, http) => openDoors(http, hub.ground.records.desk, hub.ground.identity),
  });
}

async function meet(hub: Hub, served: Served, logger: Logger): Promise<StartedHub> {
  const links = new AbortController();
  acceptWebSockets(served.app.getHttpServer(), hub.partners.peers.accept, links.signal);
  await hub.start((error) => logger.error({ err: error }, 'following a connection failed'));
  const close = async () => {
    await served.close();
    links.abort();
    await hub.close();
  };
  return { hub, served, close };
}
