import { describe, expect, test } from '@jest/globals';
import { Hearing } from './hearing.js';

describe('[F-13] hearing', () => {
  test('counts from when a message was sent, not from when its ack came', () => {
    const hearing = new Hearing();
    hearing.sent(5, 1_000);
    expect(hearing.acknowledged(5)).toBe(1_000);
    expect(hearing.acknowledged(5)).toBeUndefined();
  });

  test('of heartbeats that state the same an ack covers the oldest', () => {
    const hearing = new Hearing();
    for (const at of [1_000, 16_000, 31_000]) hearing.sent(5, at);
    expect([hearing.acknowledged(5), hearing.acknowledged(5)]).toEqual([1_000, 16_000]);
    expect(hearing.unacknowledged).toBe(1);
  });

  test('an ack covers everything before it', () => {
    const hearing = new Hearing();
    hearing.sent(5, 1_000);
    hearing.sent(9, 2_000);
    hearing.sent(12, 3_000);
    expect(hearing.acknowledged(10)).toBe(2_000);
    expect(hearing.acknowledged(12)).toBe(3_000);
    expect(hearing.unacknowledged).toBe(0);
  });

  test('an ack of less than anything sent covers nothing', () => {
    const hearing = new Hearing();
    hearing.sent(5, 1_000);
    expect(hearing.acknowledged(4)).toBeUndefined();
  });
});
