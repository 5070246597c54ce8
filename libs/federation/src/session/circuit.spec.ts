import { describe, expect, test } from '@jest/globals';
import { Circuit } from './circuit.js';

function circuit() {
  let now = 1;
  const of = new Circuit(() => now);
  const overdue = (times: number, waitedMs = 10_000) => {
    for (let n = 0; n < times; n += 1) of.overdue(waitedMs);
  };
  const pass = (ms: number) => void (now += ms);
  return { of, overdue, pass };
}

describe('the circuit of a peer', () => {
  test('opens after five in a row, lets one request try it after its time, and closes with an answer', () => {
    const { of, overdue, pass } = circuit();
    overdue(4);
    expect([of.state, of.waitMs()]).toEqual(['closed', 0]);
    overdue(1);
    expect([of.state, of.waitMs()]).toEqual(['open', 5_000]);
    pass(5_000);
    expect([of.state, of.waitMs(), of.waitMs()]).toEqual(['half_open', 0, 10_000]);
    of.answered();
    expect([of.state, of.waitMs(), of.waitMs()]).toEqual(['closed', 0, 0]);
    overdue(4);
    expect(of.state).toBe('closed');
  });

  test('stays open twice as long each time the one that tried it is not answered, up to a minute', () => {
    const { of, overdue, pass } = circuit();
    overdue(5);
    const waits = [5_000, 10_000, 20_000, 40_000, 60_000, 60_000].map((ms) => {
      const waitMs = of.waitMs();
      pass(ms);
      expect(of.waitMs()).toBe(0);
      overdue(1);
      return waitMs;
    });
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  test('an answer in between begins the count anew, and who waits less than a second says nothing of the peer', () => {
    const { of, overdue } = circuit();
    overdue(4);
    of.answered();
    overdue(4);
    overdue(100, 999);
    expect(of.state).toBe('closed');
    overdue(1);
    expect(of.state).toBe('open');
  });

  test('a new link lets one request try at once, and one that was withdrawn blocks nobody for long', () => {
    const { of, overdue, pass } = circuit();
    overdue(5);
    of.tryNow();
    expect([of.state, of.waitMs()]).toEqual(['half_open', 0]);
    pass(10_000);
    expect(of.waitMs()).toBe(0);
  });
});
