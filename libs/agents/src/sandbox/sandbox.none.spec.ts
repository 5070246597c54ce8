// The level `none`, by the contract of all.
import { describe } from '@jest/globals';
import { limitsContract } from './limits.contract.js';
import { sandboxContract } from './sandbox.contract.js';
import { stillnessContract } from './stillness.contract.js';
import { lookAt } from './trial.contract.js';

const { enforceable } = await lookAt('none');

describe('none: contract', () => sandboxContract('none', { walls: false }));
describe('none: stillness', () => stillnessContract('none'));
describe('none: limits', () => limitsContract('none', enforceable.length === 4));
