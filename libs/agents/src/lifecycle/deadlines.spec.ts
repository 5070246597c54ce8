// One timer for many waits: each still ends in its own time.
import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadlines } from './deadlines.js';

const late = () => new Error('late');
const never = () => new Promise<never>(() => undefined);

describe('[L-2] deadlines', () => {
  test('a step in time answers as it does, well or not', async () => {
    const deadlines = new Deadlines(10_000);
    await expect(deadlines.within(Promise.resolve(1), late)).resolves.toBe(1);
    await expect(deadlines.within(Promise.reject(new Error('own')), late)).rejects.toThrow('own');
  });

  test('every step that does not end is given up, one that began later too', async () => {
    const deadlines = new Deadlines(50);
    const first = expect(deadlines.within(never(), late)).rejects.toThrow('late');
    await sleep(20);
    const second = expect(deadlines.within(never(), late)).rejects.toThrow('late');
    const fast = expect(deadlines.within(sleep(1, 'fast'), late)).resolves.toBe('fast');
    await Promise.all([first, second, fast]);
  });

  test('none is given up before its time', async () => {
    const began = performance.now();
    const deadlines = new Deadlines(100);
    await deadlines.within(sleep(60), late);
    await expect(deadlines.within(never(), late)).rejects.toThrow('late');
    expect(performance.now() - began).toBeGreaterThanOrEqual(155);
  });
});
