// The level `namespace`, by the contract of all.
import { describe } from '@jest/globals';
import { requirement } from '../../../../test/support/require.js';
import { escapeContract } from './escape.contract.js';
import { limitsContract } from './limits.contract.js';
import { sandboxContract } from './sandbox.contract.js';
import { lookAt } from './trial.contract.js';

const { ok, reason, cure, enforceable } = await lookAt('namespace');

requirement(
  'bubblewrap',
  ok,
  `${reason ?? ''} ${cure ?? ''}`,
)('the level `namespace` works on this machine', () => undefined);

const suite = ok ? describe : describe.skip;
suite('namespace: contract', () => sandboxContract('namespace', { walls: true }));
suite('namespace: limits', () => limitsContract('namespace', enforceable.length === 3));
suite('namespace: escape', () => escapeContract('namespace'));
