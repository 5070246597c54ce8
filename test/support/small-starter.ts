// Set up before each spec of agents: what they start is started by a small process, as on a spoke. A worker of some hundred megabytes
// would copy the tables of its memory for every git. Specs that are about starting, or count what is started, choose for themselves.
import { afterAll, beforeAll, expect } from '@jest/globals';
import { openForkServer } from '../../libs/agents/src/processes/current.js';

const { testPath = '' } = expect.getState();
const isOfAgents = /\/(libs\/agents|apps\/spoke|test\/faults)\//.test(testPath);
const choosesItself = /\/src\/(sandbox|processes)\/|\/ahead\.spec/.test(testPath);

if (isOfAgents && !choosesItself) {
  let close: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    close = await openForkServer({ warn: () => undefined });
  });
  afterAll(() => close?.());
}
