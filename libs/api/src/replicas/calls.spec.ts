import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WritError } from '#protocol';
import { openSqliteStore, Replicas, type Store } from '#store';
import { until } from '../../../../test/support/until.js';
import { Calls, type AnswerCall } from './calls.js';

describe('calls from process to process', () => {
  let store: Store;
  const leaving: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
  });
  afterEach(async () => {
    for (const leave of leaving.splice(0)) await leave();
    await store.close();
  });

  async function enter(answer: AnswerCall): Promise<{ calls: Calls; replicas: Replicas }> {
    const replicas = new Replicas(store, { shared: true, ttlMs: 300 });
    const calls = new Calls(store, replicas, answer, () => undefined);
    await calls.begin();
    await replicas.begin();
    leaving.push(async () => {
      await replicas.end();
      await calls.end();
    });
    return { calls, replicas };
  }
  const mute = () => enter(() => Promise.reject(new WritError('internal', 'Nobody asks this one.')));

  test('are answered by the one that was asked, each with its own answer', async () => {
    const asker = await mute();
    await mute();
    const knows = await enter((name, args) => Promise.resolve({ name, args }));
    const ask = (n: number) => asker.calls.ask(knows.replicas.id, 'add', { n }, { timeoutMs: 5_000 });
    expect(await Promise.all([ask(1), ask(2)])).toEqual([
      { name: 'add', args: { n: 1 } },
      { name: 'add', args: { n: 2 } },
    ]);
  });

  test('throw what was thrown there', async () => {
    const asker = await mute();
    const refuses = await enter(() => Promise.reject(new WritError('not_found', 'No such agent.', { field: 'id' })));
    const asked = asker.calls.ask(refuses.replicas.id, 'get', {}, { timeoutMs: 5_000 });
    await expect(asked).rejects.toMatchObject({ code: 'not_found', detail: 'No such agent.', field: 'id' });
  });

  test('end when the one that was asked goes, or takes too long', async () => {
    const asker = await mute();
    const slow = await enter(() => new Promise(() => undefined));
    await expect(asker.calls.ask(slow.replicas.id, 'get', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'timed_out',
    });
    await until('they know each other', () => asker.replicas.isAlive(slow.replicas.id));
    const asked = asker.calls.ask(slow.replicas.id, 'get', {}, { timeoutMs: 60_000 });
    asked.catch(() => undefined);
    await slow.replicas.end();
    await expect(asked).rejects.toMatchObject({ code: 'peer_unavailable' });
  });
});
