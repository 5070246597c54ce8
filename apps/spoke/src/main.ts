// Starts a spoke: `node dist/apps/spoke/src/main.js`, configured by WRIT_… and a file (docs/operations.md).
import 'reflect-metadata';
import { closeOnSignals, createLogger, serve, version } from '#api';
import { serveCommands } from '#federation';
import { problemOf } from '#protocol';
import { readConfig } from './config.js';
import { openDoor } from './doors.js';
import { SpokeModule } from './spoke.module.js';
import { Spoke } from './spoke.js';

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.logLevel, { instance: config.name });
  const spoke = await Spoke.open(config, logger);
  const { name, stateDir, host, port, adminKey, publicUrl } = config;
  const served = await serve(SpokeModule.register(spoke, logger), {
    ...{ title: `Writ spoke ${name}`, description: 'Agents on this machine.', version },
    ...{ host, port, adminKey, logger, instance: { stateDir, role: 'spoke', name } },
    prepare: (app, http) => {
      if (publicUrl !== undefined) openDoor(http, spoke.peers.route);
      serveCommands(app, spoke.peers.opened, [spoke.guard]);
    },
  });
  await served.app.startAllMicroservices();
  await spoke.start((error) => logger.error({ err: error }, 'following a connection failed'));
  if (served.firstKey !== undefined) process.stdout.write(`The first admin key, shown this once: ${served.firstKey}\n`);
  process.stdout.write(`Spoke ${name} listens at ${served.url}\n`);
  const close = async () => {
    await served.close();
    await spoke.close();
  };
  closeOnSignals({ close }, logger);
}

main().catch((error: unknown) => {
  const { code, detail, next } = problemOf(error);
  process.stderr.write(code === 'internal' ? `${String(error)}\n` : `${code}: ${detail}\n${next}\n`);
  process.exitCode = 1;
});
