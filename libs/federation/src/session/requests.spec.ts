import { describe, expect, test } from '@jest/globals';
import { newNonce } from '#protocol';
import type { CommandResult } from '#protocol';
import { info } from './session.contract.js';
import { Requests } from './requests.js';
import type { Answer, Waiting } from './request.js';

const h = 'h'.repeat(43);

function open(now = (): number => 0) {
  const requests = new Requests(now);
  const ask = (kind: 'effect' | 'kill' | 'query', n = 0): Promise<Answer> =>
    requests.add('instance.info', kind, {}, kind === 'query' ? {} : { idk: `k${n}` });
  const sent = (batch: readonly Waiting[] | undefined) => {
    const ref = { jti: newNonce(), h };
    requests.sent(ref, 'raw', batch ?? []);
    return ref;
  };
  const answered = (req: { jti: string; h: string }, ...results: CommandResult[]) =>
    requests.settle({ v: 1, iss: '', aud: '', jti: '', iat: 0, con: '', req, results });
  return { requests, ask, sent, answered };
}

const ok = (id: string): CommandResult => ({ id, st: 'ok', gv: 1, body: info });

describe('requests of a peer', () => {
  test('kills go before effects, effects before queries, at most 64 in a message', () => {
    const { requests, ask } = open();
    for (let n = 0; n < 200; n += 1) void ask('query');
    void ask('effect');
    void ask('kill');
    expect(requests.next(true)?.map(({ kind }) => kind)).toEqual(['kill']);
    expect(requests.next(true)).toBeUndefined();
    const sizes = Array.from({ length: 6 }, () => requests.next()?.length);
    expect(sizes).toEqual([1, 64, 64, 64, 8, undefined]);
  });

  test('a message takes half of the questions on their way, so that both sides work at the same time; few go together', () => {
    const many = open();
    for (let n = 0; n < 64; n += 1) void many.ask('query');
    many.sent(many.requests.next());
    expect([many.requests.next()?.length, many.requests.next()]).toEqual([32, undefined]);
    const few = open();
    for (let n = 0; n < 8; n += 1) void few.ask('query');
    expect([few.requests.next()?.length, few.requests.next()]).toEqual([8, undefined]);
  });

  test('effects are not divided: one commit of the receiver covers a whole message', () => {
    const { requests, ask } = open();
    for (let n = 0; n < 64; n += 1) void ask('effect');
    expect(requests.next()?.length).toBe(64);
  });

  test('an answer counts for its own message alone: another hash or another id settles nothing', async () => {
    const { requests, ask, sent, answered } = open();
    const asked = ask('query');
    const ref = sent(requests.next());
    expect(answered({ ...ref, h: 'x'.repeat(43) }, ok('0'))).toBeUndefined();
    expect(answered({ ...ref, jti: newNonce() }, ok('0'))).toBeUndefined();
    for (const id of ['1', '00', '-1', '0.0', 'constructor']) answered(ref, ok(id));
    expect(requests.size).toBe(1);
    answered(ref, ok('0'));
    expect(await asked).toEqual({ st: 'ok', gv: 1, body: info });
  });

  test('after a new session everything unanswered is sent again, and an answer to either copy settles it once', async () => {
    const { requests, ask, sent, answered } = open();
    const asked = ask('effect');
    const first = sent(requests.next());
    requests.resume();
    const second = sent(requests.next());
    answered(first, ok('0'));
    answered(second, ok('0'));
    expect(await asked).toMatchObject({ st: 'ok' });
    requests.resume();
    expect([requests.size, requests.next()]).toEqual([0, undefined]);
  });

  test('an outcome that is not known is asked for again, a few times', async () => {
    const { requests, ask, sent } = open();
    const asked = ask('effect');
    for (let n = 0; n < 4; n += 1) {
      const req = sent(requests.next());
      requests.settle({ v: 1, iss: '', aud: '', jti: '', iat: 0, con: '', req, err: 'unknown_outcome' });
    }
    await expect(asked).rejects.toMatchObject({ code: 'unknown_outcome' });
  });

  test('a body that has not the shape of its operation is not believed', async () => {
    const { requests, ask, sent, answered } = open();
    const asked = ask('query');
    answered(sent(requests.next()), { id: '0', st: 'ok', gv: 1, body: { ...info, free: -1 } });
    await expect(asked).rejects.toMatchObject({ code: 'schema' });
  });

  test('what is overdue fails: as timed out when it was sent, as unavailable when not', async () => {
    let now = 0;
    const { requests, ask, sent } = open(() => now);
    const first = ask('query');
    sent(requests.next());
    const second = ask('query');
    now = 60_000;
    requests.sweep();
    await expect(first).rejects.toMatchObject({ code: 'timed_out' });
    await expect(second).rejects.toMatchObject({ code: 'peer_unavailable' });
    expect([requests.size, requests.next()]).toEqual([0, undefined]);
  });

  describe('an answer that comes when nobody waits any more', () => {
    const stop = { killed: [], alreadyEnded: [], failed: [], survivors: 0 };
    const killed = (id: string): CommandResult => ({ id, st: 'ok', gv: 1, body: stop });

    function killing() {
      let now = 0;
      const opened = open(() => now);
      const heard: Answer[] = [];
      const kill = (late = (answer: Answer) => void heard.push(answer)) =>
        opened.requests.add('agents.kill', 'kill', { reason: 'x' }, { idk: 'k', late });
      const overdue = () => {
        now += 60_000;
        opened.requests.sweep();
      };
      return { ...opened, kill, heard, overdue };
    }

    test('is told once to who gave it up, to either copy, and by its own hash only', async () => {
      const { requests, kill, sent, answered, heard, overdue } = killing();
      const asked = kill();
      const first = sent(requests.next());
      requests.resume();
      const second = sent(requests.next());
      overdue();
      await expect(asked).rejects.toMatchObject({ code: 'timed_out' });
      answered({ ...first, h: 'x'.repeat(43) }, killed('0'));
      answered(first, killed('1'));
      expect(heard).toEqual([]);
      expect(answered(first, killed('0'))).toMatchObject({ kind: 'kill' });
      expect(heard).toEqual([{ st: 'ok', gv: 1, body: stop }]);
      answered(first, killed('0'));
      expect(heard).toHaveLength(1);
      expect(answered(second, killed('0'))).toMatchObject({ kind: 'kill' });
      requests.resume();
      expect(requests.next()).toBeUndefined();
    });

    test.each([
      [{ survivors: -1 }, 0],
      [stop, 1],
    ])('is told also before the request was put by, if it has the shape of its operation: %j', async (body, times) => {
      const { requests, sent, answered } = killing();
      const heard: Answer[] = [];
      const enough = new AbortController();
      const options = { idk: 'k', late: (answer: Answer) => void heard.push(answer), signal: enough.signal };
      const asked = requests.add('agents.kill', 'kill', { reason: 'x' }, options);
      const ref = sent(requests.next());
      enough.abort(new Error('enough'));
      await expect(asked).rejects.toThrow('enough');
      answered(ref, { id: '0', st: 'ok', gv: 1, body });
      expect(heard).toHaveLength(times);
    });

    test('of more than a thousand messages the oldest are forgotten', () => {
      const { requests, kill, sent, answered, heard, overdue } = killing();
      const refs = Array.from({ length: 1_025 }, () => {
        kill().catch(() => undefined);
        return sent(requests.next());
      });
      overdue();
      for (const ref of refs) answered(ref, killed('0'));
      expect(heard).toHaveLength(1_024);
    });
  });

  test('[O-6] a peer that takes questions and does not answer is asked no more for a while, but for kills; an answer ends that', async () => {
    let now = 0;
    const { requests, ask, sent, answered } = open(() => now);
    const overdue = async () => {
      const asked = ask('query');
      sent(requests.next());
      now += 60_000;
      requests.sweep();
      await expect(asked).rejects.toMatchObject({ code: 'timed_out' });
    };
    for (let n = 0; n < 5; n += 1) await overdue();
    expect(requests.circuit.state).toBe('open');
    expect(() => ask('query')).toThrow(expect.objectContaining({ code: 'peer_unavailable' }));
    expect(() => ask('effect')).toThrow(expect.objectContaining({ code: 'peer_unavailable' }));
    void ask('kill');
    answered(sent(requests.next()), ok('0'));
    expect(requests.circuit.state).toBe('closed');
    void ask('query');
    expect(requests.next()).toHaveLength(1);
  });

  test('a signal that is a deadline fails it to the moment, as overdue', async () => {
    const { requests, sent } = open();
    const signal = AbortSignal.timeout(20);
    const first = requests.add('instance.info', 'query', {}, { signal });
    sent(requests.next());
    const second = requests.add('instance.info', 'query', {}, { signal });
    await expect(first).rejects.toMatchObject({ code: 'timed_out' });
    await expect(second).rejects.toMatchObject({ code: 'peer_unavailable' });
  });

  test('beyond its bound a request is refused at once, but never a kill', async () => {
    const { requests, ask } = open();
    for (let n = 0; n < 8_192; n += 1) ask('query').catch(() => undefined);
    expect(() => ask('query')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    void ask('kill');
    expect(requests.next()?.map(({ kind }) => kind)).toEqual(['kill']);
  });

  test('a command over 64 KiB is refused before it is sent', () => {
    const { requests } = open();
    const args = { text: 'x'.repeat(65_536) };
    expect(() => requests.add('agent.spawn', 'effect', args, { idk: 'k' })).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    );
  });
});
