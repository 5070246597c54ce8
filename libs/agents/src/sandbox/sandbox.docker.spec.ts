// The level `docker` on a real engine, by the contract of all; and what it alone has.
import { afterAll, describe } from '@jest/globals';
import { openEngine } from '../../../../test/support/docker.js';
import { requirement } from '../../../../test/support/require.js';
import { containerContract } from './container.contract.js';
import { escapeContract } from './escape.contract.js';
import { limitsContract } from './limits.contract.js';
import { sandboxContract } from './sandbox.contract.js';
import { stillnessContract } from './stillness.contract.js';
import { Trial } from './trial.contract.js';

const { engine, missing } = await openEngine();
const { image = '', socketPath = '' } = engine ?? {};
const options = { image, socketPath, callMs: 20_000 };
if (engine) Trial.docker = options;
afterAll(() => engine?.close());

requirement(
  'a container engine',
  engine !== undefined,
  missing,
)('the level `docker` works on this machine', () => undefined);

const suite = engine ? describe : describe.skip;
suite('docker: contract', () => sandboxContract('docker', { walls: true, container: true }));
suite('docker: stillness', () => stillnessContract('docker'));
suite('docker: limits', () => limitsContract('docker', true));
suite('docker: escape', () => escapeContract('docker'));
suite('docker: containers', () => containerContract(options));
