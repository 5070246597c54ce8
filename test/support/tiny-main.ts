// The tiny instance as a process of its own: `node dist/test/support/tiny-main.js STATE_DIR`. Says its URL on one line.
import { closeOnSignals, createLogger } from '#api';
import { startTinyApi } from './tiny-api.js';

const api = await startTinyApi({ stateDir: process.argv[2], shutdownMs: 5_000 });
process.stdout.write(`${api.url}\n`);
closeOnSignals(api, createLogger('silent'));
