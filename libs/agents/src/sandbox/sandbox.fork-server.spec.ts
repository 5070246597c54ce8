// Sandboxes whose processes a fork server starts: the contract of all, and what becomes of agents when it dies.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { descendants } from '../../../../test/support/processes.js';
import { openForkServer } from '../processes/current.js';
import { lookAt, machineHas, Trial } from './trial.contract.js';
import { sandboxContract } from './sandbox.contract.js';

const unshare = await lookAt('unshare');
let close: () => Promise<void>;

beforeAll(async () => {
  close = await openForkServer({ warn: () => undefined });
});
afterAll(() => close());

describe('none, by a fork server: contract', () => sandboxContract('none', { walls: false }));

describe('when the fork server dies', () => {
  for (const level of ['none', ...(unshare.ok ? ['unshare' as const] : [])] as const)
    test(`[K-8] [K-12] the agent's launch at level ${level} has ended, nothing of it is left, and the next begins`, async () => {
      const trial = await Trial.open(level);
      const mark = `32${process.pid}`;
      const launched = await trial.ready(`setsid sleep ${mark} & (trap "" TERM; sleep ${mark}) &`);
      const server = descendants(process.pid).find(({ command }) => command.includes('fork-server'))!;
      process.kill(server.pid, 'SIGKILL');
      expect(await launched.end).toEqual({ code: null, signal: 'SIGKILL' });
      expect([await trial.sandbox.survivors(trial.agentId), machineHas(mark)]).toEqual([0, false]);
      expect((await trial.run('echo on; exit 6')).end).toEqual({ code: 6, signal: null });
      await trial.close();
    });
});
