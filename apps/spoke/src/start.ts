// A spoke from its configuration to a listening, dialling instance.
import type { Logger } from 'pino';
import { openForkServer } from '#agents';
import { serve, version, type Served } from '#api';
import { serveCommands } from '#federation';
import type { SpokeConfig } from './config.js';
import { openDoor } from './doors.js';
import { SpokeModule } from './spoke.module.js';
import { Spoke } from './spoke.js';

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
  const spoke = await Spoke.open(config, logger);
  try {
    const served = await listen(spoke, config, logger);
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

function listen(spoke: Spoke, config: SpokeConfig, logger: Logger): Promise<Served> {
  const { name, stateDir, host, port, adminKey, publicUrl } = config;
  return serve(SpokeModule.register(spoke, logger), {
    ...{ title: `Writ spoke ${name}`, description: 'Agents on this machine.', version },
    ...{ host, port, adminKey, logger, instance: { stateDir, role: 'spoke', name } },
    prepare: (app, http) => {
      if (publicUrl !== undefined) openDoor(http, spoke.peers.route);
      serveCommands(app, spoke.peers.opened, [spoke.guard]);
    },
  });
}
