// A spoke from its configuration to a listening, dialling instance.
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { openForkServer } from '#agents';
import { Metrics, Refusals, serve, version, type Served } from '#api';
import { serveCommands } from '#federation';
import type { SpokeConfig } from './config.js';
import { openDoor } from './doors.js';
import { countAgents, measureSpoke } from './metrics/metrics.js';
import { SpokeModule } from './spoke.module.js';
import { Spoke } from './spoke.js';

/** The console's modules are built beside this app; its styles are taken as they are. */
const consoleFiles = {
  scripts: fileURLToPath(new URL('../../console/src', import.meta.url)),
  assets: fileURLToPath(new URL('../../../../apps/console/assets', import.meta.url)),
};

export interface StartedSpoke {
  readonly spoke: Spoke;
  readonly served: Served;
  /** Stops answering, then ends its agents and links. */
  readonly close: () => Promise<void>;
}

/** @throws WritError `config_invalid`, `store_format`, `bind_refused`, `key_invalid` */
export async function startSpoke(config: SpokeConfig, logger: Logger): Promise<StartedSpoke> {
  const endForkServer = await openForkServer(logger);
  try {
    const started = await begin(config, logger);
    return { ...started, close: () => started.close().finally(endForkServer) };
  } catch (error) {
    await endForkServer();
    throw error;
  }
}

async function begin(config: SpokeConfig, logger: Logger): Promise<StartedSpoke> {
  const metrics = new Metrics();
  const spoke = await Spoke.open(config, logger, countAgents(metrics));
  try {
    measureSpoke(metrics, spoke);
    const served = await listen(spoke, config, logger, metrics);
    await served.app.startAllMicroservices();
    await spoke.start((error) => logger.error({ err: error }, 'following a connection failed'));
    const close = async () => {
      await served.close();
      await spoke.close();
    };
    return { spoke, served, close };
  } catch (error) {
    await spoke.close();
    throw error;
  }
}

function listen(spoke: Spoke, config: SpokeConfig, logger: Logger, metrics: Metrics): Promise<Served> {
  const { name, stateDir, host, port, metricsPort, adminKey, publicUrl } = config;
  return serve(SpokeModule.register(spoke, logger, metrics), {
    ...{ title: `Writ spoke ${name}`, description: 'Agents on this machine.', version },
    ...{ host, port, metricsPort, adminKey, logger, instance: { stateDir, role: 'spoke', name } },
    consoleFiles,
    prepare: (app, http) => {
      if (publicUrl !== undefined) openDoor(http, spoke.partners.peers.route);
      const refusals = app.get(Refusals);
      serveCommands(app, spoke.partners.peers.opened, [spoke.services.guard], (code) => refusals.add('command', code));
    },
  });
}
