// What is remembered of queries: as long as a copy could be valid, and never more than there is room for.
import { describe, expect, test } from '@jest/globals';
import { RecentQueries } from './recent.js';

describe('the memory of queries', () => {
  test('[F-1] a message is known until no copy of it could be valid', () => {
    const recent = new RecentQueries(10);
    expect(recent.add('a', 'h', 1_000, 0)).toBe(true);
    expect(recent.find('a', 999)).toBe('h');
    expect(recent.find('a', 1_000)).toBeUndefined();
    expect(recent.find('b', 0)).toBeUndefined();
  });

  test('[F-1] a full memory takes no message until one has run out, and forgets none for it', () => {
    const recent = new RecentQueries(2);
    recent.add('a', 'h', 1_000, 0);
    recent.add('b', 'h', 2_000, 0);
    expect(recent.add('c', 'h', 3_000, 999)).toBe(false);
    expect(recent.find('a', 999)).toBe('h');
    expect(recent.add('c', 'h', 3_000, 1_000)).toBe(true);
    expect(recent.find('b', 1_000)).toBe('h');
  });

  test('one with a long life keeps those behind it', () => {
    const recent = new RecentQueries(2);
    recent.add('long', 'h', 5_000, 0);
    recent.add('short', 'h', 1_000, 0);
    expect(recent.add('c', 'h', 9_000, 2_000)).toBe(false);
    expect(recent.find('long', 2_000)).toBe('h');
  });
});
