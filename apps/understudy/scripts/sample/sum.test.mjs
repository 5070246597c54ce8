import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sum } from './sum.mjs';

test('an empty list adds up to nothing', () => assert.equal(sum([]), 0));
test('every number counts', () => assert.equal(sum([1, 2, 3]), 6));
