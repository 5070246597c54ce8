import { expect, test } from '@jest/globals';
import { RefusalLog } from './refusals.js';

test('of a flood of bad messages the log has the first, then one a second with the number of the rest', () => {
  const said: string[] = [];
  let nowMs = 0;
  const refusals = new RefusalLog(
    (line) => void said.push(line),
    () => nowMs,
  );
  for (let n = 0; n < 1_000; n += 1) refusals.add('10.0.0.1', 'the signature does not hold');
  expect(said).toHaveLength(20);
  expect(said[0]).toBe('A message from 10.0.0.1 was refused: the signature does not hold.');
  nowMs = 1_000;
  refusals.add('10.0.0.2', 'its instance is not known here');
  refusals.add('10.0.0.1', 'the signature does not hold');
  expect(said).toHaveLength(21);
  expect(said[20]).toBe(
    'A message from 10.0.0.2 was refused: its instance is not known here. So were 980 before it that no line tells of.',
  );
});
