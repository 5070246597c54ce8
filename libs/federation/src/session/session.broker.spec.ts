import { afterAll, beforeAll } from '@jest/globals';
import { lyingBroker, type LyingBroker } from '../../../../test/support/lying-broker.js';
import { natsRequirement, startNats, type NatsServer } from '../../../../test/support/nats.js';
import { requirement } from '../../../../test/support/require.js';
import { sessionContract } from './session.contract.js';

let server: NatsServer;
let broker: LyingBroker;
beforeAll(async () => {
  if (!natsRequirement[1]) return;
  server = await startNats();
  broker = await lyingBroker(server.url);
});
afterAll(async () => {
  if (!natsRequirement[1]) return;
  await broker[Symbol.asyncDispose]();
  await server.dispose();
});

if (natsRequirement[1]) sessionContract('broker', () => broker);
else requirement(...natsRequirement)('two instances over a broker', () => undefined);
