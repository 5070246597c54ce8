// Our own pair: a signed `agent.status` from the hub's handlers to the spoke's and back, over the link that the spoke dialled.
// Nothing is left out: Nest, open, replay memory, grant, store, seal, and the answer's shape checked on the hub.
import { BenchHub } from '../instances/hub.js';
import { serveSpoke, type SpokeAddress } from '../instances/spoke.js';
import type { BenchPair } from './peer.js';

export const writ: BenchPair = {
  name: 'writ',
  serve: serveSpoke,
  async connect(address) {
    const hub = await BenchHub.pairedWith(address as SpokeAddress);
    const asked = await hub.finishedAgent();
    return async () => {
      const { agentId } = await hub.status(asked);
      if (agentId !== asked) throw new Error(`unexpected answer: ${agentId}`);
    };
  },
};
