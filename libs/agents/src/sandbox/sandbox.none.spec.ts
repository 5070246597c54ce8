// The level `none`, by the contract of all.
import { describe, expect, test } from '@jest/globals';
import { limitsContract } from './limits.contract.js';
import { sandboxContract } from './sandbox.contract.js';
import { stillnessContract } from './stillness.contract.js';
import { lookAt, Trial } from './trial.contract.js';

const { enforceable } = await lookAt('none');

describe('none: contract', () => sandboxContract('none', { walls: false }));
describe('none: stillness', () => stillnessContract('none'));
describe('none: limits', () => limitsContract('none', enforceable.length === 4));

test('none: where a process can hide nothing is said to be calm', async () => {
  const trial = await Trial.open('none');
  expect(await trial.sandbox.calm(trial.agentId)).toBeNull();
  await trial.close();
});
