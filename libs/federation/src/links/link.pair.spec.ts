import { expect, test } from '@jest/globals';
import { envelope, linkContract, listen } from './link.contract.js';
import { linkedPair } from './pair.js';

linkContract('a linked pair', async () => {
  const [dialled, accepted] = linkedPair();
  const cut = (): void => dialled.close(1006, 'cut');
  return { dialled, accepted: Promise.resolve(accepted), cut, end: async () => dialled.close() };
});

test('a paused end lets the buffer of the other grow', async () => {
  const [left, right] = linkedPair();
  const far = listen(right);
  right.pause(true);
  left.send(envelope('evt', 'x'));
  await new Promise((resolve) => setImmediate(resolve));
  expect([left.bufferedBytes > 0, far.got.length]).toEqual([true, 0]);
  right.pause(false);
  expect(await far.next(1)).toEqual([envelope('evt', 'x')]);
});
